"""
This module starts a program that ends when its parent does, even where that is killed.

Run as a script, without any package: ``python leash.py PARENT PROGRAM ARGUMENT ...``.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """
    Ask Linux for SIGKILL at the parent's end, then become the program.
    """
    parent, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before we asked
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  the program that the caller chose


if __name__ == "__main__":
    main()
