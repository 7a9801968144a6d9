"""
This module says how much one record may carry, and refuses what carries more.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from otel_confidence.errors import InvalidRecord


class Refused(InvalidRecord):
    """
    A record that is not kept, with the reason under which it is counted.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The most that one record, point or request may carry; times are relative to its arrival.
    """

    labels: int = 64
    label_name_bytes: int = 1_024
    label_value_bytes: int = 4_096
    points: int = 200_000
    """Samples, spans or log records that one request may bring."""
    attributes: int = 256
    attribute_bytes: int = 65_536
    body_bytes: int = 262_144
    age_s: float = 15 * 86_400
    """How old a record may be: no older than it would be kept."""
    lead_s: float = 600
    """How far its clock may be ahead, as in Prometheus."""

    def check_labels(self, labels: Iterable[tuple[str, str]]) -> None:
        """
        Refuse labels that are too many or too long.
        """
        for count, (name, value) in enumerate(labels, start=1):
            if count > self.labels:
                raise Refused("too_many_labels", f"more than {self.labels} labels")
            if len(name.encode()) > self.label_name_bytes:
                raise Refused("label_name_too_long", f"label name {name[:40]!r}… is too long")
            if len(value) * 4 > self.label_value_bytes and (
                len(value.encode()) > self.label_value_bytes
            ):
                raise Refused(
                    "label_value_too_long",
                    f"label {name!r} has more than {self.label_value_bytes} bytes",
                )

    def check_attributes(self, attributes: dict[str, str]) -> None:
        """
        Refuse attributes of a span or event that are too many or too long.
        """
        if len(attributes) > self.attributes:
            raise Refused("too_many_attributes", f"more than {self.attributes} attributes")
        for name, value in attributes.items():
            if len(name) + len(value) > self.attribute_bytes:
                raise Refused("attribute_too_long", f"attribute {name[:40]!r} is too long")

    def check_time(self, time_ns: int, now_s: float) -> None:
        """
        Refuse a time that would not be kept, or lies ahead of any honest clock.
        """
        age_s = now_s - time_ns / 1e9
        if age_s > self.age_s:
            raise Refused("too_old", f"{age_s:.0f} s old, at most {self.age_s:.0f} s are kept")
        if age_s < -self.lead_s:
            raise Refused("in_the_future", f"{-age_s:.0f} s ahead of this machine's clock")


@dataclass(slots=True)
class Refusals:
    """
    What of a request was not kept: how many by reason, and an example in words.
    """

    counts: Counter[str] = field(default_factory=Counter)
    example: str = ""

    def add(self, where: str, refused: Refused, count: int = 1) -> None:
        """
        Count records refused for one reason.
        """
        self.counts[refused.reason] += count
        if not self.example:
            self.example = f"{where}: {refused}"

    @property
    def total(self) -> int:
        """
        How many records were refused.
        """
        return self.counts.total()

    @property
    def message(self) -> str:
        """
        One line for the sender; empty when all was kept.
        """
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.counts.items()))
        return f"{reasons}; for example {self.example}" if reasons else ""
