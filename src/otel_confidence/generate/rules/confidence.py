"""
This module builds the Prometheus rules: recording rules per model and version, and alerts.

Recorded names are ``level:metric:operation``, the level being the labels that are left. An alert
weighs its evidence: it looks at the short window when that holds enough predictions, else at the
long one, and says nothing on less.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    CALIBRATION_CONFIDENCE,
    CALIBRATION_CORRECT,
    CALIBRATION_PREDICTIONS,
    CALIBRATION_SQUARED_ERROR,
    LOW_CONFIDENCE,
    MODEL_NAME,
    MODEL_VERSION,
    PREDICTION_CONFIDENCE,
    PREDICTIONS,
    Metric,
)
from otel_confidence.expressions import PER_MODEL, PER_VERSION

RUNBOOKS: Final = "docs/runbooks.md"
"""Where the runbooks are, before ``#`` and the alert's name; a deployment may say its own."""
MIN_PREDICTIONS: Final = 30
"""Predictions below which a mean confidence is not judged."""
MIN_LABELED: Final = 100
"""Outcomes below which accuracy is not judged: from there on its standard error is at most 0.05."""
OVERCONFIDENCE: Final = 0.1
"""Tolerated excess of confidence over accuracy: two standard errors at ``MIN_LABELED``."""
EXPECTED_PREDICTIONS: Final = 10
"""Predictions that a window must lead one to expect before their absence is judged.

With independent arrivals such a window is empty by chance once in e^10, about 22,000 windows.
"""

_MODEL: Final = f"{{{{ $labels.{MODEL_NAME.label} }}}}"
_VERSION: Final = f"{_MODEL} {{{{ $labels.{MODEL_VERSION.label} }}}}"


@dataclass(frozen=True, slots=True)
class Recording:
    """
    A recording rule.
    """

    name: str
    expression: str

    def rule(self) -> dict[str, Any]:
        """
        The rule as Prometheus reads it.
        """
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True, slots=True)
class Alert:
    """
    An alerting rule; its name is also the heading of its runbook.
    """

    name: str
    expression: str
    severity: str
    summary: str
    description: str
    waits: tuple[tuple[str, str], ...] = ()
    """``for`` and ``keep_firing_for`` with their durations, where there are any."""

    def rule(self, runbooks: str) -> dict[str, Any]:
        """
        The rule as Prometheus reads it.
        """
        return {
            "alert": self.name,
            "expr": self.expression,
            **dict(self.waits),
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbooks}#{self.name.lower()}",
            },
        }


def rule_file(runbooks: str = RUNBOOKS) -> dict[str, Any]:
    """
    Every rule group, as a Prometheus rule file holds them.

    An alert stands in the group of the recordings it reads, after them: a group's rules run in
    their order.
    """
    rooms = (
        ("calibration", "1m", calibration(), overconfident()),
        ("confidence", "15s", confidence(), low_confidence()),
        ("traffic", "15s", traffic(), traffic_stopped()),
    )
    return {
        "groups": [
            {
                "name": f"otel-confidence-{name}",
                "interval": interval,
                "rules": [*(r.rule() for r in recordings), alert.rule(runbooks)],
            }
            for name, interval, recordings, alert in rooms
        ]
    }


def confidence() -> list[Recording]:
    """
    How sure each version of each model was, and on how many predictions that rests.
    """
    counted = expressions.selector(PREDICTION_CONFIDENCE, "count")
    return [
        recording
        for window in ("5m", "1h")
        for recording in (
            Recording(_evidence(window), expressions.total(counted, window, PER_VERSION)),
            Recording(
                _sureness(window), expressions.mean(PREDICTION_CONFIDENCE, window, PER_VERSION)
            ),
        )
    ]


def calibration() -> list[Recording]:
    """
    Confidence beside truth for each version of each model, from the calibration counters.
    """
    measures: tuple[tuple[Callable[[str], str], Callable[..., str]], ...] = (
        (_labeled, expressions.labeled),
        (_claimed, expressions.labeled_confidence),
        (_accuracy, expressions.accuracy),
        (lambda window: recorded(CALIBRATION_SQUARED_ERROR, f"mean{window}"), expressions.brier),
        (lambda window: recorded(CALIBRATION_CONFIDENCE, f"ece{window}"), expressions.ece),
    )
    return [
        Recording(name(window), query(window, PER_VERSION))
        for window in ("1h", "1d")
        for name, query in measures
    ]


def traffic() -> list[Recording]:
    """
    How many predictions each model made, whatever its version: a new one may replace an old one.
    """
    counted = expressions.selector(PREDICTIONS)
    return [
        Recording(_made(window), expressions.total(counted, window, PER_MODEL))
        for window in ("5m", "1h")
    ]


def low_confidence() -> Alert:
    """
    The alert on a mean confidence that belongs to the tier ``low``.
    """
    return Alert(
        name="ModelConfidenceLow",
        expression=_weighed(
            lambda window: f"{_sureness(window)} < {LOW_CONFIDENCE}",
            lambda window: f"{_evidence(window)} >= {MIN_PREDICTIONS}",
            short="5m",
            long="1h",
        ),
        severity="warning",
        summary=f"{_VERSION} is unsure of its predictions",
        description=(
            f'The mean confidence of {_VERSION} is {{{{ $value | printf "%.2f" }}}}, '
            f"below {LOW_CONFIDENCE}."
        ),
        waits=(("for", "5m"), ("keep_firing_for", "5m")),
    )


def overconfident() -> Alert:
    """
    The alert on a model that is surer than it is right.
    """
    return Alert(
        name="ModelOverconfident",
        expression=_weighed(
            lambda window: f"{_claimed(window)} - {_accuracy(window)} > {OVERCONFIDENCE}",
            lambda window: f"{_labeled(window)} >= {MIN_LABELED}",
            short="1h",
            long="1d",
        ),
        severity="warning",
        summary=f"{_VERSION} is surer than it is right",
        description=(
            f"Where the truth is known, the mean confidence of {_VERSION} exceeds its accuracy by "
            f'{{{{ $value | printf "%.2f" }}}}, more than {OVERCONFIDENCE}.'
        ),
        waits=(("for", "5m"), ("keep_firing_for", "5m")),
    )


def traffic_stopped() -> Alert:
    """
    The alert on a known model that no longer predicts, whether its series stand still or are gone.

    What is usual comes from the recordings of the past day, which outlive the model's own series.
    """
    usual = f"avg_over_time({_made('5m')}[1d])"
    return Alert(
        name="ModelTrafficStopped",
        expression=(
            f"(\n  {usual} >= {EXPECTED_PREDICTIONS}\n  unless {_made('5m')} > 0\n)\n"
            f"or\n(\n  {usual} * 12 >= {EXPECTED_PREDICTIONS}\n  unless {_made('1h')} > 0\n)"
        ),
        severity="critical",
        summary=f"{_MODEL} no longer predicts",
        description=(
            f"{_MODEL} predicted within the past day and does not now, "
            'although about {{ $value | printf "%.0f" }} predictions would be usual.'
        ),
    )


def recorded(metric: Metric, operation: str, *, level: str = "model_version") -> str:
    """
    The name of a recording rule over a metric, which for a counter loses its ``_total``.
    """
    return f"{level}:{metric.prometheus.removesuffix('_total')}:{operation}"


def _weighed(
    condition: Callable[[str], str], evidence: Callable[[str], str], *, short: str, long: str
) -> str:
    return (
        f"(\n  {condition(short)}\n  and {evidence(short)}\n)\n"
        f"or\n(\n  {condition(long)}\n  and {evidence(long)}\n  unless {evidence(short)}\n)"
    )


def _evidence(window: str) -> str:
    return recorded(PREDICTION_CONFIDENCE, f"increase{window}")


def _sureness(window: str) -> str:
    return recorded(PREDICTION_CONFIDENCE, f"mean{window}")


def _labeled(window: str) -> str:
    return recorded(CALIBRATION_PREDICTIONS, f"increase{window}")


def _claimed(window: str) -> str:
    return recorded(CALIBRATION_CONFIDENCE, f"mean{window}")


def _accuracy(window: str) -> str:
    return recorded(CALIBRATION_CORRECT, f"ratio{window}")


def _made(window: str) -> str:
    return recorded(PREDICTIONS, f"increase{window}", level="model")
