"""The demo: a classifier of handwritten digits that becomes sure and wrong."""
