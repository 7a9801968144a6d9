"""
This module holds the panels of one model: how sure it is, and whether it is right to be.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    BIN,
    CONFIDENCE,
    DECISION,
    ERROR_TYPE,
    ERRORS,
    EVENT_NAME,
    HIGH_CONFIDENCE,
    LOW_CONFIDENCE,
    LOW_CONFIDENCE_RESULT,
    MODEL_NAME,
    MODEL_VERSION,
    OUTCOME,
    OUTCOMES,
    PREDICTION_CONFIDENCE,
    PREDICTION_DURATION,
    PREDICTION_LABEL_DELAY,
    PREDICTIONS,
    PREDICTIONS_ACTIVE,
    SERVICE_NAME,
    TIER,
    Attribute,
    Metric,
)
from otel_confidence.expressions import PER_MODEL, PER_VERSION
from otel_confidence.generate.panels import (
    COUNT,
    RATE,
    SECONDS,
    SHARE,
    About,
    Panel,
    Query,
    Step,
    bars,
    buckets,
    lines,
    number,
    records,
    traces,
)
from otel_confidence.generate.rules import OVERCONFIDENCE

CHOSEN: Final = (f'{MODEL_NAME.label}="$model"', f'{MODEL_VERSION.label}=~"$version"')
"""What the dashboard's variables choose."""

_STEP: Final = "$__rate_interval"
_RANGE: Final = "$__range"
_TRUTH: Final = "$truth"
_VERSION: Final = f"{{{{{MODEL_VERSION.label}}}}}"
_TIERS: Final = (
    Step("red"),
    Step("orange", LOW_CONFIDENCE),
    Step("green", HIGH_CONFIDENCE),
)
_GAP: Final = (Step("green"), Step("orange", OVERCONFIDENCE / 2), Step("red", OVERCONFIDENCE))
_PLAIN: Final = (Step("blue"),)
_OVERCONFIDENCE: Final = (
    "Mean confidence less accuracy, where the truth is known; below zero the model is better than "
    "it claims."
)
_CALIBRATION_ERROR: Final = (
    "Expected calibration error: mean distance of confidence from accuracy over the bins, weighted "
    "by their predictions."
)


def sections() -> list[tuple[str, list[Panel]]]:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("Over the shown range", summary()),
        ("Confidence", confidence()),
        ("Truth and calibration", truth()),
        ("Traffic, latency and errors", traffic()),
        ("Unsure predictions", unsure()),
    ]


def summary() -> list[Panel]:
    """
    Six numbers that say whether the model needs a look.
    """
    sure = expressions.labeled_confidence(_RANGE, PER_MODEL, *CHOSEN)
    right = expressions.accuracy(_RANGE, PER_MODEL, *CHOSEN)
    made = expressions.total(expressions.selector(PREDICTIONS, "", *CHOSEN), _RANGE, PER_MODEL)
    mean = expressions.mean(PREDICTION_CONFIDENCE, _RANGE, PER_MODEL, *CHOSEN)
    slow = expressions.quantile(0.95, PREDICTION_DURATION, _RANGE, PER_MODEL, *CHOSEN)
    ece = expressions.ece(_RANGE, PER_MODEL, *CHOSEN)
    return [
        number(_small("Predictions", PREDICTIONS.about, COUNT), made, _PLAIN),
        number(_small("Mean confidence", "Of all predictions.", SHARE), mean, _TIERS),
        number(_small("Accuracy", "Where the truth is known.", SHARE), right, _PLAIN),
        number(_small("Overconfidence", _OVERCONFIDENCE, SHARE), f"({sure})\n- ({right})", _GAP),
        number(_small("Calibration error", _CALIBRATION_ERROR, SHARE), ece, _GAP),
        number(_small("Latency p95", "95 of 100 calls were faster.", SECONDS), slow, _PLAIN),
    ]


def confidence() -> list[Panel]:
    """
    How sure the model was, and what was done about it.
    """
    series = expressions.selector(PREDICTION_CONFIDENCE, "bucket", *CHOSEN)
    return [
        buckets(
            About(
                "Confidence distribution",
                "Predictions per second by confidence; a row is named by its upper edge.",
                RATE,
                height=9,
            ),
            expressions.total(series, _STEP, (), function="rate", also="le"),
        ),
        lines(
            About(
                "Mean confidence by version",
                "Lines mark where the tiers low and high begin and end.",
                SHARE,
                height=9,
            ),
            [
                Query(
                    expressions.mean(PREDICTION_CONFIDENCE, _STEP, PER_VERSION, *CHOSEN),
                    _VERSION,
                    exemplars=True,
                )
            ],
            bounds=(0, 1),
            steps=_TIERS,
        ),
        _shares("Confidence tiers", "Share of predictions in each confidence tier.", TIER),
        _shares("Decisions", "Share of predictions by what was done with them.", DECISION),
    ]


def truth() -> list[Panel]:
    """
    Whether the model was right to be sure.
    """
    arriving = About("Truths arriving", f"{OUTCOMES.about} By how they turned out.", RATE, width=6)
    delay = About("Label delay", PREDICTION_LABEL_DELAY.about, SECONDS, width=6)
    return [
        accuracy(),
        reliability(),
        errors(),
        lines(arriving, [_rate_by(expressions.selector(OUTCOMES, "", *CHOSEN), OUTCOME)]),
        lines(delay, _quantiles(PREDICTION_LABEL_DELAY, _TRUTH, 0.5, 0.95)),
    ]


def accuracy() -> Panel:
    """
    Accuracy and mean confidence of each version over time.
    """
    return lines(
        About(
            "Accuracy beside confidence",
            "Both over the predictions whose truth became known within the chosen window. "
            "Confidence above accuracy: the model is surer than it is right.",
            SHARE,
        ),
        [
            Query(expressions.labeled_confidence(_TRUTH, PER_VERSION, *CHOSEN), _said("sure")),
            Query(expressions.accuracy(_TRUTH, PER_VERSION, *CHOSEN), _said("right")),
        ],
        bounds=(0, 1),
    )


def errors() -> Panel:
    """
    Calibration error and Brier score of each version over time.
    """
    return lines(
        About(
            "Calibration error and Brier score",
            "Expected calibration error and mean squared error of confidence over the chosen "
            "window; zero is best.",
            SHARE,
        ),
        [
            Query(expressions.ece(_TRUTH, PER_VERSION, *CHOSEN), _said("ECE")),
            Query(expressions.brier(_TRUTH, PER_VERSION, *CHOSEN), _said("Brier")),
        ],
        steps=_GAP,
    )


def reliability() -> Panel:
    """
    The reliability diagram: confidence and accuracy of each calibration bin.
    """
    measures = (
        (expressions.labeled_confidence, "mean confidence"),
        (expressions.accuracy, "accuracy"),
    )
    return bars(
        About(
            "Reliability diagram",
            "Mean confidence beside accuracy in each confidence bin, named by its upper edge, over "
            "the shown range. A calibrated model has bars of equal height.",
            SHARE,
        ),
        [Query(measure(_RANGE, (BIN,), *CHOSEN), legend) for measure, legend in measures],
        BIN.label,
    )


def traffic() -> list[Panel]:
    """
    How much the model does, how fast, and what fails.
    """
    active = expressions.selector(PREDICTIONS_ACTIVE, "", *CHOSEN)
    return [
        lines(
            About("Latency", f"{PREDICTION_DURATION.about} Exemplars open a trace.", SECONDS),
            _quantiles(PREDICTION_DURATION, _STEP, 0.5, 0.95, 0.99),
        ),
        lines(
            About("Predictions by version", "Predictions per second.", RATE),
            [_rate_by(expressions.selector(PREDICTIONS, "", *CHOSEN), MODEL_VERSION)],
        ),
        lines(
            About("Errors by type", "Calls per second that raised an exception.", RATE),
            [_rate_by(expressions.selector(ERRORS, "", *CHOSEN), ERROR_TYPE)],
        ),
        lines(
            About("Predictions under way", "Calls that have not returned yet.", COUNT),
            [Query(f"sum by ({MODEL_VERSION.label}) ({active})", _VERSION)],
        ),
    ]


def unsure() -> list[Panel]:
    """
    The predictions to look at one by one.
    """
    return [
        records(
            About(
                "Low-confidence events",
                "Predictions below their threshold, the latest first; the trace id opens the "
                "trace.",
            ),
            f'{{{SERVICE_NAME.label}=~".+"}} | {EVENT_NAME.label}="{LOW_CONFIDENCE_RESULT.name}"'
            + "".join(f" | {condition}" for condition in CHOSEN),
        ),
        traces(
            About(
                "Low-confidence spans",
                f"Spans of predictions with a confidence below {LOW_CONFIDENCE}; the Collector "
                "keeps all of them.",
            ),
            f'{{ span.{MODEL_NAME.name} = "$model" && span.{CONFIDENCE.name} < {LOW_CONFIDENCE} }}'
            f" | select(span.{CONFIDENCE.name}, span.{MODEL_VERSION.name})",
        ),
    ]


def _small(title: str, description: str, unit: str) -> About:
    return About(title, description, unit, width=4, height=4)


def _shares(title: str, description: str, attribute: Attribute) -> Panel:
    made = expressions.selector(PREDICTIONS, "", *CHOSEN)
    return lines(About(title, description, RATE), [_rate_by(made, attribute)], stacked=True)


def _rate_by(series: str, attribute: Attribute) -> Query:
    total = expressions.total(series, _STEP, (attribute,), function="rate")
    return Query(total, f"{{{{{attribute.label}}}}}")


def _said(measure: str) -> str:
    return f"{measure} {_VERSION}"


def _quantiles(metric: Metric, window: str, *shares: float) -> list[Query]:
    return [
        Query(
            expressions.quantile(q, metric, window, (), *CHOSEN), f"p{q * 100:.0f}", exemplars=True
        )
        for q in shares
    ]
