"""
This module builds the rules on what must arrive: predictions of a known model, and their truth.

What is usual comes from recordings, which outlive the model's own series.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import OUTCOMES, PREDICTIONS, Metric
from otel_confidence.expressions import PER_MODEL
from otel_confidence.generate.rules.kinds import MODEL, Alert, Group, Recording, recorded

EXPECTED: Final = 10
"""Events that a window must lead one to expect before their absence is judged.

With independent arrivals such a window is empty by chance once in e^10, about 22,000 windows.
"""
SOON: Final = "4m"
"""How long a busy model may be silent: with the evaluation and the wait for others of its group it
is told of within five minutes, and the window still holds two reports of a slow exporter."""
_PER_HOUR: Final = 15
"""How many such windows an hour has."""
LEAST: Final = 0.1
"""Which share of the past windows may have had less truth than expected, for it to be usual.

A weekend, two days of seven, is more; the first hours of a model are less.
"""

TRUTH: Final = (("1d", "8d"), ("4d", "11d"))
"""How long truth may be missing, and how long ago a model must have been known: a week of windows
tells whether truth rests at weekends. Four days are longer than a weekend with a holiday."""


def groups() -> list[Group]:
    """
    Groups on traffic and on truth.
    """
    made = (_recording(PREDICTIONS, window) for window in (SOON, "1h"))
    known = [_recording(OUTCOMES, window) for window in ("1d", "4d")]
    day = _recording(PREDICTIONS, "1d")
    return [
        Group("traffic", "15s", tuple(made), (_traffic_stopped(),)),
        Group("truth", "2m", (*known, day), (_truth_stopped(),)),
    ]


def _recording(metric: Metric, window: str) -> Recording:
    counted = expressions.selector(metric)
    return Recording(_grown(metric, window), expressions.total(counted, window, PER_MODEL))


def _traffic_stopped() -> Alert:
    soon, hour = _grown(PREDICTIONS, SOON), _grown(PREDICTIONS, "1h")
    usual = f"avg_over_time({soon}[1d])"
    return Alert(
        name="ModelTrafficStopped",
        expression=(
            f"(\n  {usual} >= {EXPECTED}\n  unless {soon} > 0\n)\n"
            f"or\n(\n  {usual} * {_PER_HOUR} >= {EXPECTED}\n  unless {hour} > 0\n)"
        ),
        severity="critical",
        topic="traffic",
        summary=f"{MODEL} no longer predicts",
        description=(
            f"{MODEL} predicted within the past day and does not now, "
            'although about {{ $value | printf "%.0f" }} predictions would be usual.'
        ),
    )


def _truth_stopped() -> Alert:
    """
    Most days of the past week, or else most runs of four days, had truth, and the last has none.
    """
    missed = "\nor\n".join(_missed(window, learned) for window, learned in TRUTH)
    return Alert(
        name="ModelTruthStopped",
        expression=f"(\n{missed}\n)\nand {_grown(PREDICTIONS, '1d')} > 0",
        severity="warning",
        topic="truth",
        summary=f"Nobody tells any longer how the predictions of {MODEL} turn out",
        description=(
            f"{MODEL} predicts, and no truth has arrived for a day or longer, although at least "
            '{{ $value | printf "%.0f" }} would be usual in that time.'
        ),
        board="calibration",
    )


def _missed(window: str, learned: str) -> str:
    known = _grown(OUTCOMES, window)
    usual = f"quantile_over_time({LEAST}, {known}[7d] offset {window})"
    return (
        f"(\n  {usual} >= {EXPECTED}\n  and count_over_time({known}[1d] offset {learned}) > 0\n"
        f"  unless {known} > 0\n)"
    )


def _grown(metric: Metric, window: str) -> str:
    return recorded(metric, f"increase{window}", level="model")
