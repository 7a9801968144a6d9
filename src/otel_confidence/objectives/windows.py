"""
This module holds the windows of burn-rate alerts, as data.

A budget burns at rate 1 when it lasts for exactly the objective's period. An alert looks at a long
window, so that what it reports matters, and at a short one, so that it ends when the cause has
ended. The tables for 28 and 30 days are those of Google's Site Reliability Workbook, chapter
"Alerting on SLOs"; the one for 7 days asks for larger shares, for a week's budget is smaller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from otel_confidence.errors import ObjectiveError

Severity = Literal["page", "ticket"]

UNITS_S: Final[Mapping[str, int]] = MappingProxyType(
    {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
)
"""Seconds by the units in which Prometheus writes durations."""
PERIOD_NAMES: Final[Mapping[int, str]] = MappingProxyType({7: "1w", 28: "4w", 30: "30d"})
"""How Prometheus's own library, and so Sloth, writes a period of so many days."""

MARGIN_DAYS: Final = 1
"""How much longer than a period samples must be kept: they leave by the day."""
KEPT_DAYS: Final = max(PERIOD_NAMES) + 5
"""How long samples are kept if not told: the longest period, and days to look back on its end."""


def length_s(window: str) -> int:
    """
    Seconds of a window such as ``5m``.
    """
    return int(window[:-1]) * UNITS_S[window[-1]]


def spoken(seconds: float) -> str:
    """
    A length of time as one would write it, in the largest unit that divides it.

    >>> spoken(86_400), spoken(90), spoken(0.25)
    ('1d', '90s', '0.25s')
    """
    units = [(unit, each) for unit, each in UNITS_S.items() if unit != "w"]
    unit, width = next(((u, w) for u, w in reversed(units) if not seconds % w), ("s", 1))
    return f"{seconds / width:g}{unit}"


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """
    A pair of windows, and how much of the period's budget may burn within the long one.
    """

    severity: Severity
    long: str
    short: str
    budget_share: Decimal

    def factor(self, period_days: int) -> Decimal:
        """
        The burn rate that is too fast, to four decimals.
        """
        exact = self.budget_share * period_days * UNITS_S["d"] / length_s(self.long)
        return exact.quantize(Decimal("0.0001")).normalize()


def _table(*shares: str) -> tuple[BurnWindow, ...]:
    fast, slow, quick, late = map(Decimal, shares)
    return (
        BurnWindow("page", "1h", "5m", fast),
        BurnWindow("page", "6h", "30m", slow),
        BurnWindow("ticket", "1d", "2h", quick),
        BurnWindow("ticket", "3d", "6h", late),
    )


BURN_RATES: Final[Mapping[int, tuple[BurnWindow, ...]]] = MappingProxyType(
    {
        7: _table("0.08", "0.125", "0.2", "0.42"),
        28: _table("0.02", "0.05", "0.1", "0.1"),
        30: _table("0.02", "0.05", "0.1", "0.1"),
    }
)
"""The table of each period, in days."""


def burn_windows(
    period_days: int, table: Mapping[int, tuple[BurnWindow, ...]] = BURN_RATES
) -> tuple[BurnWindow, ...]:
    """
    The windows of a period.

    Raises:
        ObjectiveError: the table has none for it.
    """
    if period_days not in table:
        known = ", ".join(f"{days}d" for days in sorted(table))
        raise ObjectiveError(f"must be one of {known}, got {period_days}d", field="window")
    return table[period_days]
