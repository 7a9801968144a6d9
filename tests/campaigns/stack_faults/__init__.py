"""This package breaks the running stack, one part at a time, and counts what is lost."""
