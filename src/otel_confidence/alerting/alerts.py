"""
This module holds an alert: one series that an alerting rule's expression found, through its life.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from otel_confidence.points import Labels

State = Literal["inactive", "pending", "firing"]
ALERT_NAME: Final = "alertname"
ALERTS: Final = "ALERTS"
ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"
ALERT_STATE: Final = "alertstate"
RANKS: Final[Mapping[str, int]] = {"unknown": 0, "inactive": 1, "pending": 2, "firing": 3}


@dataclass(slots=True)
class Alert:
    """
    An alert as its rule keeps it; times are epoch milliseconds, None for what has not been.
    """

    labels: Labels
    annotations: dict[str, str]
    value: float
    active_ms: int
    """Since when the expression has held."""
    state: State = "pending"
    fired_ms: int | None = None
    resolved_ms: int | None = None
    kept_since_ms: int | None = None
    """Since when it only fires because of ``keep_firing_for``."""
    sent_ms: int | None = None
    valid_ms: int = 0
    """Until when whoever was told may take it for firing without hearing again."""
    expression: str = ""
    hold_ms: int = field(default=0)

    def needs_sending(self, at_ms: int, resend_ms: int) -> bool:
        """
        Whether those who are told of alerts should hear of this one now.
        """
        if self.state == "pending":
            return False
        if self.sent_ms is None:
            return True
        if self.resolved_ms is not None and self.resolved_ms > self.sent_ms:
            return True
        return self.sent_ms + resend_ms < at_ms


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """
    Labels in their order, without empty ones.
    """
    return tuple(sorted((name, value) for name, value in dict(pairs).items() if value))
