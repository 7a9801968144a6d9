"""
This module holds the panels on drift: how far inputs, confidence and predictions are from normal.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    DATA_QUALITY_CHECKS,
    DATA_QUALITY_SCORE,
    DRIFT_DETECTIONS,
    DRIFT_METHOD,
    DRIFT_P_VALUE,
    DRIFT_SCORE,
    DRIFT_SEVERITY,
    DRIFT_TARGET,
    FEATURE_BIN,
    FEATURE_NAME,
    FEATURE_STATE,
    FEATURE_VALUES,
    MODEL_VERSION,
    PREDICTION_CONFIDENCE,
    PREDICTIONS,
    QUALITY_CHECK,
    QUALITY_RESULT,
    REFERENCE_CONFIDENCE,
    REFERENCE_EDGE,
    REFERENCE_FEATURE,
)
from otel_confidence.expressions import LE
from otel_confidence.generate import frames
from otel_confidence.generate.boards.choices import (
    CHOSEN,
    DRIFTED,
    RECORDED,
    STEP,
    VERSION,
    WINDOW,
    Sections,
    rate_by,
    recording,
)
from otel_confidence.generate.panels import (
    RATE,
    SCORE,
    SHARE,
    About,
    Panel,
    Query,
    bars,
    lines,
)
from otel_confidence.generate.tables import ranking

_FEATURE: Final = (*CHOSEN, f'{FEATURE_NAME.label}="$feature"')
_RANKED: Final = 20
"""Features that are ranked; more are not readable at a glance."""
_LAST: Final = "1e300"
"""Beyond all edges."""
_NO_BIN: Final = "none"
"""Stands for the bin of missing and invalid values, which have none."""


def variables() -> list[frames.Variable]:
    """
    The model, its versions, the services, a feature, and over how long to compare.
    """
    seen = expressions.selector(FEATURE_VALUES, "", CHOSEN[0])
    return [
        *frames.of_model(),
        frames.choice("feature", "Feature", seen, FEATURE_NAME.label, several=False),
        frames.interval("window", "Compare over", "1h", "15m", "1h", "6h", "1d", "7d"),
    ]


def sections() -> Sections:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("Now, against the reference", [ranked(), confidences()]),
        ("Over time", curves()),
        ("The chosen feature", [feature(), states()]),
        ("Drift that programs found themselves", reported()),
        ("Data quality", quality()),
    ]


def ranked() -> Panel:
    """
    Features by how far they drifted.
    """
    about = About(
        "Features by drift",
        "Population stability index of each feature against the reference, over the chosen window, "
        "the largest first. Without a bar: too few values, or no reference.",
        SCORE,
        height=11,
    )
    index = expressions.psi(WINDOW, *CHOSEN)
    legend = f"{{{{{FEATURE_NAME.label}}}}} ({VERSION})"
    most = (DRIFTED[-1].value or 1) * 2
    return ranking(about, Query(f"topk({_RANKED}, {index})", legend), DRIFTED, (0, most))


def confidences() -> Panel:
    """
    The distribution of confidence beside that of the reference.
    """
    inner = f'{LE}!~"1|1[.]0|[+]Inf"'
    held = expressions.selector(PREDICTION_CONFIDENCE, "bucket", *CHOSEN, inner)
    made = expressions.selector(PREDICTION_CONFIDENCE, "count", *CHOSEN)
    now = (
        f"{expressions.total(held, WINDOW, (), also=LE)}\n"
        f"/ scalar({expressions.total(made, WINDOW, ())} > 0)"
    )
    about = About(
        "Confidence against the reference",
        "Share of the predictions up to each confidence, now and in the reference; the largest "
        "difference is the Kolmogorov-Smirnov distance.",
        SHARE,
        height=11,
    )
    return bars(about, [Query(now, "now"), Query(_reference(), "reference")], LE)


def _reference() -> str:
    """
    The reference's shares with their edges as the histogram has them.
    """
    edge = REFERENCE_EDGE.label
    published = expressions.selector(REFERENCE_CONFIDENCE, "", *CHOSEN, f'{edge}!~"1|1[.]0"')
    known = f"avg by ({edge}) (last_over_time({published}[{WINDOW}]))"
    return f'label_replace({known}, "{LE}", "$1", "{edge}", "(.+)")'


def curves() -> list[Panel]:
    """
    The scores of drift over time, as the rules recorded them.
    """
    shifted = recording(FEATURE_VALUES, "psi1h", *RECORDED, level="model_version_feature")
    return [
        lines(
            About(
                "Drift of features",
                "Population stability index of the hour before, the ten largest.",
                SCORE,
            ),
            [Query(f"topk(10, {shifted})", f"{{{{{FEATURE_NAME.label}}}}} {VERSION}")],
            steps=DRIFTED,
        ),
        lines(
            About(
                "Drift of confidence",
                "Kolmogorov-Smirnov distance from the reference, of the hour and the day before.",
                SCORE,
            ),
            [_recorded("ks1h", "hour"), _recorded("ks1d", "day")],
            steps=DRIFTED,
        ),
        lines(
            About(
                "How far confidence moved",
                "Wasserstein-1 distance from the reference: how far it moved on average.",
                SCORE,
            ),
            [_recorded("wasserstein1h", "hour"), _recorded("wasserstein1d", "day")],
        ),
        predictions(),
    ]


def predictions() -> Panel:
    """
    How far what is predicted moved since last week.
    """
    about = About(
        "Drift of predictions",
        "Population stability index of classes and tiers of the day before against the same day "
        "of last week.",
        SCORE,
    )
    moved = recording(PREDICTIONS, "psi1d", RECORDED[0], level="model")
    return lines(about, [Query(moved, "day")], steps=DRIFTED)


def feature() -> Panel:
    """
    The bins of one feature beside those of the reference.
    """
    about = About(
        "Distribution against the reference",
        "Share of the chosen feature's values in each bin, named by its upper edge or category, "
        "now and in the reference; none is for missing and invalid values.",
        SHARE,
        height=9,
    )
    now = expressions.shares(WINDOW, *_FEATURE, by=())
    then = expressions.reference_shares(WINDOW, *_FEATURE, by=())
    queries = [Query(_named(now), "now"), Query(_named(then), "reference")]
    return bars(about, queries, FEATURE_BIN.label, order=_order())


def _order() -> str:
    """
    The number that a bin is named by; a bin without one comes last.

    The quantile of a histogram that holds all in one bucket is that bucket's edge: so a label
    becomes a number.
    """
    name = FEATURE_BIN.label
    number = f'{name}=~"-?[0-9.]+(e[+-]?[0-9]+)?"'

    def bins(*conditions: str) -> str:
        series = (
            expressions.selector(metric, "", *_FEATURE, *conditions)
            for metric in (FEATURE_VALUES, REFERENCE_FEATURE)
        )
        return f"group by ({name}) ({' or '.join(series)})"

    edges = f'label_replace({bins(number)}, "{LE}", "$1", "{name}", "(.+)")'
    above = f'label_replace({bins(number)}, "{LE}", "+Inf", "", "")'
    last = _named(f"{bins()} * {_LAST}")
    return f"histogram_quantile(1, {edges}\nor {above})\nor {last}"


def states() -> Panel:
    """
    What became of one feature's values.
    """
    about = About(
        "States of its values",
        "Values per second by whether they are valid, missing, invalid, outliers or categories "
        "that the reference does not know.",
        RATE,
        height=9,
    )
    return lines(about, [rate_by(FEATURE_VALUES, FEATURE_STATE, *_FEATURE)], stacked=True)


def reported() -> list[Panel]:
    """
    What programs measured and reported by themselves.
    """
    by = (DRIFT_METHOD, DRIFT_TARGET, FEATURE_NAME)
    legend = " ".join(f"{{{{{attribute.label}}}}}" for attribute in by)
    labels = ", ".join(attribute.label for attribute in by)
    score, chance = (
        f"{reduced} by ({labels}) ({expressions.selector(metric, '', *CHOSEN)})"
        for reduced, metric in (("max", DRIFT_SCORE), ("min", DRIFT_P_VALUE))
    )
    about = About("Scores", f"{DRIFT_SCORE.about} By method, the largest first.", SCORE, width=8)
    return [
        lines(about, [Query(f"topk(10, {score})", legend)]),
        lines(About("P-values", "How likely such a score is by chance; the smallest.", SCORE,
                    width=8), [Query(f"bottomk(10, {chance})", legend)], bounds=(0, 1)),
        lines(About("Detections", DRIFT_DETECTIONS.about, RATE, width=8),
              [rate_by(DRIFT_DETECTIONS, DRIFT_SEVERITY, *CHOSEN)]),
    ]  # fmt: skip


def quality() -> list[Panel]:
    """
    The checks of the data that programs ran.
    """
    score = expressions.selector(DATA_QUALITY_SCORE, "", *CHOSEN)
    failed = expressions.selector(
        DATA_QUALITY_CHECKS, "", *CHOSEN, f'{QUALITY_RESULT.label}!="{QUALITY_RESULT.values[0]}"'
    )
    by_check = expressions.total(failed, STEP, (QUALITY_CHECK,), function="rate")
    return [
        lines(About("Score", DATA_QUALITY_SCORE.about, SHARE),
              [Query(f"min by ({MODEL_VERSION.label}) ({score})", VERSION)], bounds=(0, 1)),
        lines(About("Checks that did not pass", "Per second, by check.", RATE),
              [Query(by_check, f"{{{{{QUALITY_CHECK.label}}}}}")]),
    ]  # fmt: skip


def _recorded(operation: str, said: str) -> Query:
    return Query(recording(PREDICTION_CONFIDENCE, operation, *RECORDED), f"{said} {VERSION}")


def _named(shares: str) -> str:
    return f'label_replace({shares}, "{FEATURE_BIN.label}", "{_NO_BIN}", "{FEATURE_BIN.label}", "")'
