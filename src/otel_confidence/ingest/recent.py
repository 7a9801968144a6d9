"""
This module remembers what was used lately, within a number of entries and of bytes.
"""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Recent(Generic[_K, _V]):
    """
    A bounded memory. Safe for use by many threads; a look-up takes no lock.

    Entries live in two generations: what is used moves to the younger one, and when that is full
    the older one is forgotten. So what is used steadily stays, at the price of one look-up.
    """

    def __init__(self, *, size: int, size_bytes: int) -> None:
        self._size = size // 2
        self._size_bytes = size_bytes // 2
        self._lock = threading.Lock()
        self._young: dict[_K, tuple[_V, int]] = {}
        self._old: dict[_K, tuple[_V, int]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, key: _K) -> _V | None:
        """
        What was kept under a key, None where nothing is remembered.
        """
        found = self._young.get(key)
        if found is not None:
            return found[0]
        found = self._old.get(key)
        if found is None:
            return None
        self.put(key, *found)
        return found[0]

    def forget(self, key: _K) -> None:
        """
        Remember nothing of a key.
        """
        with self._lock:
            self._old.pop(key, None)
            _, size_bytes = self._young.pop(key, (None, 0))
            self._bytes -= size_bytes

    def put(self, key: _K, value: _V, size_bytes: int) -> None:
        """
        Keep a value that takes about as many bytes, key and all, unless that is beyond all bounds.
        """
        if size_bytes > self._size_bytes:
            return
        with self._lock:
            full = len(self._young) >= self._size and key not in self._young
            if full or self._bytes + size_bytes > self._size_bytes:
                self._old, self._young, self._bytes = self._young, {}, 0
            _, replaced_bytes = self._young.get(key, (None, 0))
            self._young[key] = (value, size_bytes)
            self._bytes += size_bytes - replaced_bytes
