"""
This module holds the one exception of the native runner.
"""


class StackError(Exception):
    """
    Something keeps the stack from running; the message says what, and what helps.
    """
