"""
This module holds the panels on calibration and truth: whether confidence can be believed.
"""

from collections.abc import Callable
from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    BIN,
    CALIBRATION_CORRECT,
    OUTCOME,
    OUTCOMES,
    PREDICTION_CONFIDENCE,
    PREDICTION_LABEL_DELAY,
    PREDICTIONS,
)
from otel_confidence.expressions import LE, PER_MODEL, PER_VERSION
from otel_confidence.generate import frames
from otel_confidence.generate.boards.choices import (
    CHOSEN,
    GAP,
    MISCALIBRATED,
    PLAIN,
    RANGE,
    RECORDED,
    STEP,
    TRUTH,
    VERSION,
    Sections,
    quantiles,
    rate_by,
    recording,
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
)

_ECE: Final = (
    "Expected calibration error: mean distance of confidence from accuracy over the bins, weighted "
    "by their predictions."
)
_EXPECTED: Final = (
    "Mean confidence of the last hour, which is what the accuracy should be as long as calibration "
    "is good; without a value while it is not, or unknown."
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
        ("Over the shown range", [*summary(), reliability(), counts()]),
        ("Over time", curves()),
        ("How truth arrives", truths()),
    ]


def summary() -> list[Panel]:
    """
    Six numbers that say whether the confidence can be believed.
    """
    known = expressions.labeled(RANGE, PER_MODEL, *CHOSEN)
    made = expressions.total(expressions.selector(PREDICTIONS, "", *CHOSEN), RANGE, PER_MODEL)
    sure = expressions.labeled_confidence(RANGE, PER_MODEL, *CHOSEN)
    right = expressions.accuracy(RANGE, PER_MODEL, *CHOSEN)
    ece = expressions.ece(RANGE, PER_MODEL, *CHOSEN)
    mce = expressions.mce(RANGE, PER_MODEL, *CHOSEN)
    brier = expressions.brier(RANGE, PER_MODEL, *CHOSEN)
    return [
        number(small("Truths", "Predictions with a confidence whose truth became known.", COUNT),
               known, PLAIN),
        number(small("Truths by prediction", "How many truths arrived for one prediction made.",
                     SHARE), expressions.ratio(known, made), PLAIN),
        number(small("Overconfidence", "Mean confidence less accuracy, where the truth is known.",
                     SHARE), f"({sure})\n- ({right})", GAP),
        number(small("Calibration error", _ECE, SHARE), ece, MISCALIBRATED),
        number(small("Largest bin's error", "Distance of confidence from accuracy in the worst bin "
                     "that has predictions.", SHARE), mce, PLAIN),
        number(small("Brier score", "Mean squared distance of confidence from the truth; 0 is "
                     "best, 0.25 is a coin's.", SCORE), brier, PLAIN),
    ]  # fmt: skip


def reliability() -> Panel:
    """
    The reliability diagram: confidence and accuracy of each calibration bin.
    """
    about = About(
        "Reliability diagram",
        "Mean confidence beside accuracy in each confidence bin, named by its upper edge. A "
        "calibrated model has bars of equal height; a lower accuracy means overconfidence.",
        SHARE,
        height=9,
    )
    measures = (
        (expressions.labeled_confidence, "mean confidence"),
        (expressions.accuracy, "accuracy"),
    )
    queries = [Query(measure(RANGE, (BIN,), *CHOSEN), legend) for measure, legend in measures]
    return bars(about, queries, BIN.label)


def counts() -> Panel:
    """
    How many predictions the reliability diagram rests on.
    """
    about = About(
        "Predictions with known truth by bin",
        "What each pair of bars beside it rests on; a bin of few says little.",
        COUNT,
        height=9,
    )
    known = Query(expressions.labeled(RANGE, (BIN,), *CHOSEN), "predictions")
    right = expressions.selector(CALIBRATION_CORRECT, "", *CHOSEN)
    return bars(
        about,
        [known, Query(expressions.total(right, RANGE, (BIN,)), "correct")],
        BIN.label,
        bounds=None,
    )


def curves() -> list[Panel]:
    """
    Calibration and accuracy of each version over time.
    """
    return [
        lines(
            About("Calibration error over time", f"{_ECE} Over the chosen window.", SHARE),
            [_of_version(expressions.ece)],
            steps=MISCALIBRATED,
        ),
        expected(),
        lines(
            About(
                "Accuracy beside confidence",
                "Both over the predictions whose truth became known within the chosen window.",
                SHARE,
            ),
            [
                _of_version(expressions.labeled_confidence, "sure "),
                _of_version(expressions.accuracy, "right "),
            ],
            bounds=(0, 1),
        ),
        gaps(),
        *errors(),
    ]


def errors() -> list[Panel]:
    """
    The Brier score and the worst bin of each version over time.
    """
    return [
        lines(
            About(
                "Brier score over time",
                "Mean squared distance of confidence from the truth, over the chosen window.",
                SCORE,
            ),
            [_of_version(expressions.brier)],
        ),
        lines(
            About(
                "Largest bin's error over time",
                "Distance of confidence from accuracy in the worst bin that has predictions.",
                SHARE,
            ),
            [_of_version(expressions.mce)],
        ),
    ]


def gaps() -> Panel:
    """
    By how much confidence exceeds accuracy in each bin.
    """
    about = About(
        "Overconfidence by bin",
        "Mean confidence less accuracy in each bin, named by its upper edge, over the chosen "
        "window; 0 is best.",
        SHARE,
    )
    gap = (
        f"({expressions.labeled_confidence(TRUTH, (BIN,), *CHOSEN)})\n"
        f"- ({expressions.accuracy(TRUTH, (BIN,), *CHOSEN)})"
    )
    return lines(about, [Query(gap, f"{{{{{BIN.label}}}}}")])


def expected() -> Panel:
    """
    The accuracy expected without truth, beside the accuracy found.
    """
    expectation = recording(PREDICTION_CONFIDENCE, "expected_accuracy1h", *RECORDED)
    found = recording(CALIBRATION_CORRECT, "ratio1h", *RECORDED)
    return lines(
        About("Accuracy beside the accuracy expected", _EXPECTED, SHARE),
        [Query(expectation, f"expected {VERSION}"), Query(found, f"found {VERSION}")],
        bounds=(0, 1),
    )


def truths() -> list[Panel]:
    """
    How many truths arrive, how late, and for how much of what was predicted.
    """
    delays = expressions.selector(PREDICTION_LABEL_DELAY, "bucket", *CHOSEN)
    made = expressions.total(expressions.selector(PREDICTIONS, "", *CHOSEN), TRUTH, PER_VERSION)
    known = expressions.total(expressions.selector(OUTCOMES, "", *CHOSEN), TRUTH, PER_VERSION)
    return [
        lines(
            About("Truths arriving", f"{OUTCOMES.about} By how they turned out.", RATE),
            [rate_by(OUTCOMES, OUTCOME, *CHOSEN)],
        ),
        lines(
            About(
                "Truths by prediction over time",
                "How many truths arrived for one prediction made in the same window; above 1 "
                "while old truths are handed in.",
                SHARE,
            ),
            [Query(expressions.ratio(known, made), VERSION)],
        ),
        lines(
            About("Label delay", PREDICTION_LABEL_DELAY.about, SECONDS),
            quantiles(PREDICTION_LABEL_DELAY, TRUTH, 0.5, 0.95),
        ),
        buckets(
            About(
                "Label delay, distribution",
                "Truths per second by how late they came; a row is named by its upper edge, in "
                "seconds.",
                RATE,
            ),
            expressions.total(delays, STEP, (), function="rate", also=LE),
        ),
    ]


def _of_version(measure: Callable[..., str], said: str = "") -> Query:
    return Query(measure(TRUTH, PER_VERSION, *CHOSEN), f"{said}{VERSION}")
