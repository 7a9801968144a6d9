"""
This module builds the rules on drift: from a reference, and from the week before.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    FEATURE_NAME,
    FEATURE_VALUES,
    PREDICTION_CONFIDENCE,
    PREDICTIONS,
)
from otel_confidence.generate.rules.kinds import (
    MODEL,
    VERSION,
    WEEK,
    Alert,
    Group,
    Recording,
    Severity,
    of,
    recorded,
    share,
)

DRIFT: Final[tuple[tuple[Severity, float], ...]] = (("warning", 0.1), ("critical", 0.25))
"""From where on drift is told: Siddiqi's bounds of a small and of a large shift, "Credit Risk
Scorecards" (2006), for PSI; a Kolmogorov-Smirnov distance is the share of predictions that moved,
at least, and a tenth and a quarter of them are as notable."""
MIN_DRIFT: Final = 500
"""Values below which drift is not told of.

PSI over ten bins is then 0.018 without any drift, with a standard deviation of 0.008, and a
Kolmogorov-Smirnov distance exceeds 0.1 once in ten thousand times (Massart, 1990).
"""
MIN_DAY: Final = 2000
"""Predictions of a day below which they are not compared with those of another.

Both sides are samples: thirty bins of classes and tiers then drift by 0.03 without any drift.
"""
LASTING: Final = (("for", "15m"), ("keep_firing_for", "15m"))
"""Drift moves slowly, and its window is an hour: one that lasts less is the inputs' own rhythm."""

_FEATURE: Final = "model_version_feature"


def groups() -> list[Group]:
    """
    The group on drift, and the one on days, which change slowly.
    """
    return [
        Group("drift", "2m", _against_reference(), (*_confidence(), *_features())),
        Group("drift-week", "2m", _against_week(), _predictions()),
    ]


def _against_reference() -> tuple[Recording, ...]:
    queries = (
        (_ks, expressions.confidence_ks),
        (_w1, expressions.confidence_wasserstein),
        (_psi, expressions.psi),
    )
    return tuple(
        Recording(name(window), query(window, minimum=MIN_DRIFT))
        for window in ("1h", "1d")
        for name, query in queries
    )


def _against_week() -> tuple[Recording, ...]:
    return (Recording(_moved(), expressions.prediction_psi("1d", WEEK, minimum=MIN_DAY)),)


def _confidence() -> tuple[Alert, ...]:
    return tuple(
        Alert(
            name="ModelConfidenceDrift",
            expression=_latest(_ks("1h"), _ks("1d"), bound),
            severity=severity,
            topic="drift",
            summary=f"The confidence of {VERSION} has left its reference",
            description=(
                f"The distribution of the confidence of {VERSION} is {share()} away from that of "
                f"its reference (Kolmogorov-Smirnov); above {bound} is told."
            ),
            board="drift",
            waits=LASTING,
        )
        for severity, bound in DRIFT
    )


def _features() -> tuple[Alert, ...]:
    return tuple(
        Alert(
            name="ModelFeatureDrift",
            expression=_latest(_psi("1h"), _psi("1d"), bound),
            severity=severity,
            topic="drift",
            summary=f"The feature {of(FEATURE_NAME)} of {VERSION} has left its reference",
            description=(
                f"The population stability index of {of(FEATURE_NAME)}, which {VERSION} sees, is "
                f"{share()}; above {bound} is told."
            ),
            board="drift",
            waits=LASTING,
        )
        for severity, bound in DRIFT
    )


def _predictions() -> tuple[Alert, ...]:
    return tuple(
        Alert(
            name="ModelPredictionDrift",
            expression=f"{_moved()} > {bound}",
            severity=severity,
            topic="drift",
            summary=f"{MODEL} predicts something else than a week ago",
            description=(
                f"The classes and tiers of confidence that {MODEL} predicted within a day have a "
                f"population stability index of {share()} against the same day of last week; "
                f"above {bound} is told."
            ),
            board="drift",
            waits=LASTING,
        )
        for severity, bound in DRIFT
    )


def _latest(short: str, long: str, bound: float) -> str:
    """
    The hour where it holds enough values to have a result, otherwise the day.
    """
    return f"{short} > {bound}\nor\n({long} > {bound} unless {short})"


def _ks(window: str) -> str:
    return recorded(PREDICTION_CONFIDENCE, f"ks{window}")


def _w1(window: str) -> str:
    return recorded(PREDICTION_CONFIDENCE, f"wasserstein{window}")


def _psi(window: str) -> str:
    return recorded(FEATURE_VALUES, f"psi{window}", level=_FEATURE)


def _moved() -> str:
    return recorded(PREDICTIONS, "psi1d", level="model")
