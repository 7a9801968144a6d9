"""This package runs the whole stack and sends through it, on every path."""
