"""
This module computes what Grafana's Prometheus data source puts into its requests.

Steps and variables follow Grafana's ``pkg/promlib/models/query.go`` and ``pkg/promlib/intervalv2``,
snapped ranges ``packages/grafana-prometheus/src/language_utils.ts``, as of Grafana 12 and 13.
"""

import math
from dataclasses import dataclass
from typing import Final

SAFE_POINTS: Final = 11_000
_ROUNDED_MS: Final = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, 1000),
    (3500, 2000), (7500, 5000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000),
    (45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000),
    (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000),
    (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000),
)  # fmt: skip
"""Below each first number of milliseconds an interval becomes the second."""
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


@dataclass(frozen=True, slots=True)
class View:
    """
    A dashboard's or Explore's time range on a screen so many pixels wide.
    """

    start_ms: int
    end_ms: int
    points: int
    min_step_ms: int = 15_000
    """The data source's scrape interval."""

    @property
    def step_ms(self) -> int:
        """
        The step of range queries.
        """
        length = self.end_ms - self.start_ms
        wanted = max(rounded(length / self.points), self.min_step_ms)
        return max(wanted, rounded(length / SAFE_POINTS))

    @property
    def rate_interval_ms(self) -> int:
        """
        What ``$__rate_interval`` stands for.
        """
        return max(self.step_ms + self.min_step_ms, 4 * self.min_step_ms)

    def written(self, expr: str) -> str:
        """
        An expression with its built-in variables replaced.
        """
        length = self.end_ms - self.start_ms
        values = {
            "__rate_interval_ms": str(self.rate_interval_ms),
            "__rate_interval": _go_duration(self.rate_interval_ms),
            "__interval_ms": str(self.step_ms),
            "__interval": _grafana_duration(self.step_ms),
            "__range_ms": str(length),
            "__range_s": str(round(length / 1000)),
            "__range": f"{round(length / 1000)}s",
        }
        for name, value in values.items():
            expr = expr.replace(f"${{{name}}}", value).replace(f"${name}", value)
        return expr

    def range(self) -> dict[str, str]:
        """
        Start, end and step of a range query, aligned to the step.
        """
        step = self.step_ms
        return {
            "start": number(self.start_ms // step * step),
            "end": number(self.end_ms // step * step),
            "step": number(step),
        }

    def snapped(self) -> dict[str, str]:
        """
        Start and end of questions about labels: whole minutes, the first down, the last up.
        """
        return {
            "start": str(self.start_ms // 60_000 * 60),
            "end": str(-(-self.end_ms // 60_000) * 60),
        }

    def seconds(self) -> dict[str, str]:
        """
        Start and end in whole seconds, as variables of dashboards ask.
        """
        return {"start": str(self.start_ms // 1000), "end": str(-(-self.end_ms // 1000))}


def rounded(interval_ms: float) -> int:
    """
    An interval of Grafana's choice that is near to one computed.
    """
    return next((value for below, value in _ROUNDED_MS if interval_ms < below), 86_400_000)


def number(milliseconds: int) -> str:
    """
    Seconds as Go's ``FormatFloat(x, 'f', -1, 64)`` writes them.
    """
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)


def _go_duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    hours, minutes = divmod(math.floor(seconds / 60), 60)
    rest = number(milliseconds % 60_000)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _grafana_duration(milliseconds: int) -> str:
    size, unit = next(each for each in _UNITS if milliseconds >= each[0])
    return f"{milliseconds // size}{unit}"
