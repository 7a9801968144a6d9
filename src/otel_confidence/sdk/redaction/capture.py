"""
This module says which fields leave the process, and how: whole, cut, hashed, or not at all.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.errors import ConfigurationError

HASH: Final = "hash"
"""The declaration that a field leaves as a keyed hash."""
_SWITCHED_ON: Final = 1024
_LONGEST: Final = 16_384
_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 16
_WORDS: Final[Mapping[str, bool]] = {
    "on": True, "true": True, "yes": True, "off": False, "false": False, "no": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keep:
    """
    What becomes of one field.
    """

    limit: int = 0
    """Characters that are kept; 0: the field stays inside."""
    hashed: bool = False


OFF: Final = Keep()
DEFAULTS: Final[Mapping[str, Keep]] = {
    "inputs": OFF,
    "features": OFF,
    "metadata": OFF,
    "label": Keep(256),
    "truth": Keep(256),
    "comment": Keep(2048),
    "exception": Keep(1024),
    "stacktrace": Keep(_LONGEST),
    "attributes": Keep(4096),
}
"""Every field, and what becomes of it unless declared otherwise."""
GROUPS: Final = ("inputs", "features", "metadata", "attributes")
"""Fields of many names, of which one can be declared as ``inputs.age``."""


class Capture:
    """
    What was declared about fields.

    Raises:
        ConfigurationError: there is no such field, or no such way to keep one.
    """

    def __init__(self, declared: Mapping[str, Any] | None = None, *, key: str = "") -> None:
        self._kept = dict(DEFAULTS)
        if declared is not None and not isinstance(declared, Mapping):
            raise ConfigurationError(f"capture must map fields to ways, got {declared!r}")
        for field, way in (declared or {}).items():
            known = _known(field)
            self._kept[known] = _keep(known, way)
        self._key = _key(key)

    def of(self, field: str) -> Keep:
        """
        What becomes of a field; one of a group without a declaration of its own follows the group.
        """
        found = self._kept.get(field)
        return self._kept[field.partition(".")[0]] if found is None else found

    def digest(self, text: str) -> str:
        """
        The keyed hash of a text: BLAKE2b, 128 bits.

        The key is the setting ``hash_key``, so that equal texts have equal hashes in every process;
        without it a random one of this process, so that nobody can try out likely texts.
        """
        raw = text.encode("utf-8", "backslashreplace")
        made = hashlib.blake2b(raw, key=self._key, digest_size=_DIGEST_BYTES)
        return f"blake2b:{made.hexdigest()}"


def _key(key: str) -> bytes:
    if not key:
        return os.urandom(_KEY_BYTES)
    return hashlib.blake2b(key.encode(), digest_size=_KEY_BYTES).digest()


def _known(field: Any) -> str:
    if isinstance(field, str):
        group, dot, name = field.partition(".")
        if field in DEFAULTS or (group in GROUPS and dot and name):
            return field
    raise ConfigurationError(
        f"capture knows no field {field!r}, only {', '.join(DEFAULTS)}, and one of a group by its "
        f"name, such as 'inputs.age'"
    )


def _keep(field: str, way: Any) -> Keep:
    if isinstance(way, str):
        lower = way.strip().lower()
        if lower == HASH:
            return Keep(_LONGEST, hashed=True)
        way = _WORDS.get(lower, int(lower) if lower.isdecimal() else way)
    if way is True:
        known = DEFAULTS[field.partition(".")[0]]
        return known if known.limit else Keep(_SWITCHED_ON)
    if way is None or way is False:
        return OFF
    if isinstance(way, int) and 0 <= way <= _LONGEST:
        return Keep(way)
    raise ConfigurationError(
        f"capture[{field!r}] must be True, False, {HASH!r} or a number of characters up to "
        f"{_LONGEST}, got {way!r}"
    )
