"""
This module holds what dashboards share: what their variables choose, windows, and thresholds.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    HIGH_CONFIDENCE,
    LOW_CONFIDENCE,
    MODEL_NAME,
    MODEL_VERSION,
    SERVICE_NAME,
    Attribute,
    Metric,
)
from otel_confidence.generate.panels import About, Panel, Query, Step
from otel_confidence.generate.rules.calibration import CALIBRATION_ERROR
from otel_confidence.generate.rules.drift import DRIFT
from otel_confidence.generate.rules.kinds import recorded
from otel_confidence.generate.rules.serving import ERROR_RATE
from otel_confidence.stats.calibration import OVERCONFIDENCE

Sections = list[tuple[str, list[Panel]]]
"""Titles of a dashboard's rows with their panels."""

_SERVICE: Final = f'{SERVICE_NAME.label}=~"$service"'
RECORDED: Final = (f'{MODEL_NAME.label}="$model"', f'{MODEL_VERSION.label}=~"$version"')
"""What the variables choose of what rules recorded, which no longer know the service."""
CHOSEN: Final = (*RECORDED, _SERVICE)
"""What the variables of a dashboard of one model choose."""
FLEET: Final = (f'{MODEL_NAME.label}=~"$model"', _SERVICE)
"""What they choose of many models."""

STEP: Final = "$__rate_interval"
RANGE: Final = "$__range"
TRUTH: Final = "$truth"
"""Truths are rarer than predictions: how far each point of a curve looks back for them."""
WINDOW: Final = "$window"
VERSION: Final = f"{{{{{MODEL_VERSION.label}}}}}"
MODEL: Final = f"{{{{{MODEL_NAME.label}}}}}"

PLAIN: Final = (Step("blue"),)
TIERS: Final = (
    Step("red"),
    Step("orange", LOW_CONFIDENCE),
    Step("green", HIGH_CONFIDENCE),
)
GAP: Final = (Step("green"), Step("orange", OVERCONFIDENCE), Step("red", 2 * OVERCONFIDENCE))
MISCALIBRATED: Final = (
    Step("green"),
    Step("orange", CALIBRATION_ERROR),
    Step("red", 2 * CALIBRATION_ERROR),
)
DRIFTED: Final = (Step("green"), Step("orange", DRIFT[0][1]), Step("red", DRIFT[1][1]))
FAILING: Final = (Step("green"), Step("orange", ERROR_RATE / 5), Step("red", ERROR_RATE))
NONE_EXPECTED: Final = (Step("green"), Step("red", 1))
"""Of what there should be none."""


def small(title: str, description: str, unit: str, *, width: int = 4) -> About:
    """
    About a panel of one number, six of which stand in a row.
    """
    return About(title, description, unit, width=width, height=4)


def rate_by(metric: Metric, attribute: Attribute, *conditions: str) -> Query:
    """
    A counter's rate by one of its attributes.
    """
    series = expressions.selector(metric, "", *conditions)
    total = expressions.total(series, STEP, (attribute,), function="rate")
    return Query(total, f"{{{{{attribute.label}}}}}")


def quantiles(metric: Metric, window: str, *shares: float, chosen: tuple[str, ...] = CHOSEN
              ) -> list[Query]:  # fmt: skip
    """
    Quantiles of a histogram over all that is chosen, with exemplars.
    """
    return [
        Query(
            expressions.quantile(q, metric, window, (), *chosen), f"p{q * 100:.0f}", exemplars=True
        )
        for q in shares
    ]


def recording(
    metric: Metric,
    operation: str,
    *conditions: str,
    level: str = "model_version",
) -> str:
    """
    The selector of what a rule recorded over a metric.
    """
    return f"{recorded(metric, operation, level=level)}{{{', '.join(conditions)}}}"


def selected(name: str, *conditions: str) -> str:
    """
    A selector of a series that is none of the table of signals.
    """
    return f"{name}{{{', '.join(conditions)}}}" if conditions else name
