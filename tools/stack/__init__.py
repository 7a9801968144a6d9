"""
This module is the stack's native runner: what docker-compose.yml says, without containers.
"""

from tools.stack.errors import StackError
from tools.stack.recorded import Recorded
from tools.stack.stack import Stack

__all__ = ["Recorded", "Stack", "StackError"]
