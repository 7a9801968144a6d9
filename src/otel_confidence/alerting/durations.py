"""
This module reads and writes durations as Prometheus does: ``1h30m``.
"""

import re
from typing import Final

_DURATION: Final = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?"
)
_UNITS: Final = (
    ("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000),
    ("m", 60_000), ("s", 1000), ("ms", 1),
)  # fmt: skip
_EXACT: Final = frozenset({"y", "w", "d"})
"""Units that are only written where nothing is left over."""
_LONGEST_MS: Final = 2**63 // 1_000_000


def milliseconds(text: str) -> int:
    """
    A duration in milliseconds.

    Raises:
        ValueError: It is none, or longer than 292 years.
    """
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"not a valid duration string: {text!r}")
    parts = zip(found.groups(), _UNITS, strict=True)
    length_ms = sum(int(count) * unit for count, (_, unit) in parts if count)
    if length_ms > _LONGEST_MS:
        raise ValueError("duration out of range")
    return length_ms


def duration_text(length_ms: int) -> str:
    """
    A duration in the fewest units.
    """
    if length_ms == 0:
        return "0s"
    parts = []
    for name, unit in _UNITS:
        if name in _EXACT and length_ms % unit:
            continue
        count, length_ms = divmod(length_ms, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts)
