"""
This module says who is told of which alerts, grouped how and how often.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from otel_confidence.conventions import MODEL_NAME
from otel_confidence.errors import ConfigurationError

SEVERITY: Final = "severity"
SEVERITIES: Final = ("critical", "warning", "info")
"""The values of the label ``severity`` that routes know, gravest first."""


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How alerts are grouped and how often a group is told of; the defaults are the stack's.
    """

    group_by: tuple[str, ...] = ("alertname", MODEL_NAME.label)
    wait_ms: int = 30_000
    """How long the first notification of a group waits for more alerts."""
    interval_ms: int = 300_000
    """The least between two notifications of a group, however often its alerts come and go."""
    repeat_ms: int = 4 * 3_600_000
    """After how long a group that still fires is told of again."""

    def __post_init__(self) -> None:
        for name in ("wait_ms", "interval_ms", "repeat_ms"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} must not be negative")
        if self.interval_ms == 0:
            raise ConfigurationError("the interval between notifications must be above zero")


@dataclass(frozen=True, slots=True)
class Route:
    """
    The way of alerts to one channel.
    """

    channel: str
    """The channel's name, under which is remembered what it was told."""
    severities: tuple[str, ...] = ()
    """The severities that it takes; empty for all."""
    pace: Pace = Pace()

    def takes(self, labels: Mapping[str, str]) -> bool:
        """
        Whether an alert goes this way.
        """
        return not self.severities or labels.get(SEVERITY, "") in self.severities

    def group(self, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """
        The labels of the group that an alert belongs to.
        """
        return tuple(
            (name, labels[name]) for name in sorted(self.pace.group_by) if labels.get(name)
        )
