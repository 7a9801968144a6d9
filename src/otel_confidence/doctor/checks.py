"""
This module says what a check of the doctor found, and what mends it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["ok", "warning", "failed", "skipped"]
SKEW_S: Final = 5.0
"""How far two clocks may differ: an HTTP date has whole seconds, and its answer takes time."""


@dataclass(frozen=True, slots=True)
class Cause:
    """
    Why something is not there, and what mends it.
    """

    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Check:
    """
    One thing that was looked at.
    """

    subject: str
    """What it is about: a service, or the signal that is followed."""
    place: str
    """What of it, or how far the signal is followed."""
    status: Status
    found: str
    remedy: str = ""

    @classmethod
    def failing(cls, subject: str, place: str, cause: Cause) -> "Check":
        """
        A failed check.
        """
        return cls(subject, place, "failed", cause.why, cause.remedy)

    @classmethod
    def doubtful(cls, subject: str, place: str, cause: Cause) -> "Check":
        """
        A check that found what may do harm.
        """
        return cls(subject, place, "warning", cause.why, cause.remedy)


def any_failed(checks: Iterable[Check]) -> bool:
    """
    Whether one of them failed.
    """
    return any(check.status == "failed" for check in checks)


def skew_text(skew_s: float) -> str:
    """
    How far another clock is from this one, in words.
    """
    way = "ahead of" if skew_s > 0 else "behind"
    return f"its clock is {abs(skew_s):.0f} s {way} this one"
