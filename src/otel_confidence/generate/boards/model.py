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
    LOW_CONFIDENCE,
    LOW_CONFIDENCE_RESULT,
    MODEL_NAME,
    MODEL_VERSION,
    OUTCOME,
    OUTCOMES,
    PREDICTION_CONFIDENCE,
    PREDICTION_DURATION,
    PREDICTION_LABEL_DELAY,
    PREDICTION_UNCERTAINTY,
    PREDICTIONS,
    PREDICTIONS_ACTIVE,
    SERVICE_NAME,
    SOURCE,
    TIER,
    UNCERTAINTY_METHOD,
    Attribute,
)
from otel_confidence.expressions import PER_MODEL, PER_VERSION
from otel_confidence.generate import frames
from otel_confidence.generate.boards.choices import (
    CHOSEN,
    FAILING,
    GAP,
    MISCALIBRATED,
    PLAIN,
    RANGE,
    STEP,
    TIERS,
    TRUTH,
    VERSION,
    Sections,
    quantiles,
    rate_by,
    small,
)
from otel_confidence.generate.panels import (
    COUNT,
    RATE,
    SCORE,
    SECONDS,
    SHARE,
    About,
    Panel,
    Query,
    bars,
    buckets,
    lines,
    number,
    records,
    traces,
)
from otel_confidence.generate.tables import Column, compared

_MADE: Final = expressions.selector(PREDICTIONS, "", *CHOSEN)
_OVERCONFIDENCE: Final = (
    "Mean confidence less accuracy, where the truth is known; below zero the model is better than "
    "it claims."
)
_CALIBRATION_ERROR: Final = (
    "Expected calibration error: mean distance of confidence from accuracy over the bins, weighted "
    "by their predictions."
)


def variables() -> list[frames.Variable]:
    """
    The model, its versions, the services, and how far to look back for truths.
    """
    return [*frames.of_model(), frames.truth()]


def sections() -> Sections:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("Over the shown range", summary()),
        ("Versions side by side", [versions()]),
        ("Confidence", confidence()),
        ("Truth and calibration", truth()),
        ("Traffic, latency and errors", traffic()),
        ("Unsure predictions", unsure()),
    ]


def summary() -> list[Panel]:
    """
    Six numbers that say whether the model needs a look.
    """
    sure = expressions.labeled_confidence(RANGE, PER_MODEL, *CHOSEN)
    right = expressions.accuracy(RANGE, PER_MODEL, *CHOSEN)
    made = expressions.total(_MADE, RANGE, PER_MODEL)
    mean = expressions.mean(PREDICTION_CONFIDENCE, RANGE, PER_MODEL, *CHOSEN)
    slow = expressions.quantile(0.95, PREDICTION_DURATION, RANGE, PER_MODEL, *CHOSEN)
    ece = expressions.ece(RANGE, PER_MODEL, *CHOSEN)
    return [
        number(small("Predictions", PREDICTIONS.about, COUNT), made, PLAIN),
        number(small("Mean confidence", "Of all predictions.", SHARE), mean, TIERS),
        number(small("Accuracy", "Where the truth is known.", SHARE), right, PLAIN),
        number(small("Overconfidence", _OVERCONFIDENCE, SHARE), f"({sure})\n- ({right})", GAP),
        number(small("Calibration error", _CALIBRATION_ERROR, SHARE), ece, MISCALIBRATED),
        number(small("Latency p95", "95 of 100 calls were faster.", SECONDS), slow, PLAIN),
    ]


def versions() -> Panel:
    """
    The versions' key figures, a row each.
    """
    fails = f'{ERROR_TYPE.label}!=""'
    measures = [
        Column("Predictions", expressions.total(_MADE, RANGE, PER_VERSION), COUNT, decimals=0),
        Column("Confidence", expressions.mean(
            PREDICTION_CONFIDENCE, RANGE, PER_VERSION, *CHOSEN
        ), SHARE, TIERS),
        Column("Accuracy", expressions.accuracy(RANGE, PER_VERSION, *CHOSEN), SHARE),
        Column("ECE", expressions.ece(RANGE, PER_VERSION, *CHOSEN), SHARE, MISCALIBRATED),
        Column("Brier score", expressions.brier(RANGE, PER_VERSION, *CHOSEN), SCORE),
        Column("Failed", expressions.share_of(
            PREDICTION_DURATION, fails, RANGE, PER_VERSION, part="count", among=", ".join(CHOSEN)
        ), SHARE, FAILING),
        Column("Latency p95", expressions.quantile(
            0.95, PREDICTION_DURATION, RANGE, PER_VERSION, *CHOSEN
        ), SECONDS),
    ]  # fmt: skip
    names = {MODEL_NAME.label: "Model", MODEL_VERSION.label: "Version"}
    about = About(
        "Versions",
        "Each version over the shown range; accuracy and errors of calibration where the truth is "
        "known.",
        width=24,
        height=6,
    )
    return compared(about, names, measures, worst="Predictions")


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
            expressions.total(series, STEP, (), function="rate", also="le"),
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
                    expressions.mean(PREDICTION_CONFIDENCE, STEP, PER_VERSION, *CHOSEN),
                    VERSION,
                    exemplars=True,
                )
            ],
            bounds=(0, 1),
            steps=TIERS,
        ),
        _shares("Confidence tiers", "Share of predictions in each confidence tier.", TIER),
        _shares("Decisions", "Share of predictions by what was done with them.", DECISION),
        *kinds(),
    ]


def kinds() -> list[Panel]:
    """
    How unsure the model was, and where its confidence came from.
    """
    counted = expressions.selector(PREDICTION_CONFIDENCE, "count", *CHOSEN)
    return [
        lines(
            About("Uncertainty", f"{PREDICTION_UNCERTAINTY.about} Its mean, by method.", SCORE),
            [
                Query(
                    expressions.mean(PREDICTION_UNCERTAINTY, STEP, (UNCERTAINTY_METHOD,), *CHOSEN),
                    f"{{{{{UNCERTAINTY_METHOD.label}}}}}",
                )
            ],
        ),
        lines(
            About("Confidence by source", "Predictions by where the confidence was found.", RATE),
            [
                Query(
                    expressions.total(counted, STEP, (SOURCE,), function="rate"),
                    f"{{{{{SOURCE.label}}}}}",
                )
            ],
        ),
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
        lines(arriving, [rate_by(OUTCOMES, OUTCOME, *CHOSEN)]),
        lines(delay, quantiles(PREDICTION_LABEL_DELAY, TRUTH, 0.5, 0.95)),
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
            Query(expressions.labeled_confidence(TRUTH, PER_VERSION, *CHOSEN), _said("sure")),
            Query(expressions.accuracy(TRUTH, PER_VERSION, *CHOSEN), _said("right")),
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
            Query(expressions.ece(TRUTH, PER_VERSION, *CHOSEN), _said("ECE")),
            Query(expressions.brier(TRUTH, PER_VERSION, *CHOSEN), _said("Brier")),
        ],
        steps=MISCALIBRATED,
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
        [Query(measure(RANGE, (BIN,), *CHOSEN), legend) for measure, legend in measures],
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
            quantiles(PREDICTION_DURATION, STEP, 0.5, 0.95, 0.99),
        ),
        lines(
            About("Predictions by version", "Predictions per second.", RATE),
            [rate_by(PREDICTIONS, MODEL_VERSION, *CHOSEN)],
        ),
        lines(
            About("Errors by type", "Calls per second that raised an exception.", RATE),
            [rate_by(ERRORS, ERROR_TYPE, *CHOSEN)],
        ),
        lines(
            About("Predictions under way", "Calls that have not returned yet.", COUNT),
            [Query(f"sum by ({MODEL_VERSION.label}) ({active})", VERSION)],
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


def _shares(title: str, description: str, attribute: Attribute) -> Panel:
    queries = [rate_by(PREDICTIONS, attribute, *CHOSEN)]
    return lines(About(title, description, RATE), queries, stacked=True)


def _said(measure: str) -> str:
    return f"{measure} {VERSION}"
