"""
This module keeps a data folder to one process at a time.

The lock is the kernel's (flock), so that it ends with its holder however that ends; the file's
content only tells a second one whom it collides with.
"""

import fcntl
import os
from pathlib import Path

from otel_confidence.errors import StoreError

_NAME = "owner.pid"
_OURS = frozenset({_NAME, "chdb", "alerts.sqlite"})
"""Of which a folder that was used before has one at least."""
_NOBODYS = frozenset({"lost+found"})
"""What a new file system begins with."""


def strangers(path: Path) -> list[str]:
    """
    What a folder holds that was not made here; nothing where it has been used before.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        found = {entry.name for entry in path.iterdir()} if path.exists() else set()
    except OSError as error:
        raise StoreError(
            f"the data folder {str(path)!r} cannot be used: {error.strerror}"
        ) from error
    return [] if found & _OURS else sorted(found - _NOBODYS)


class Folder:
    """
    A folder held by this process until released.
    """

    def __init__(self, path: Path) -> None:
        """
        Make the folder if need be and hold it.

        Raises:
            StoreError: Another process holds it, or it cannot be written.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"the data folder {str(path)!r} cannot be used: {error.strerror}"
            ) from error
        self._hold()

    def release(self) -> None:
        """
        Let go of the folder; the second call does nothing.
        """
        if self._lock >= 0:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def _hold(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            self._lock = -1
            raise StoreError(
                f"the data folder {str(self.path)!r} is in use by process {owner}; "
                "stop it or choose another folder"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
