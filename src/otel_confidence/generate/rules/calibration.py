"""
This module builds the rules on truth: calibration, accuracy, and accuracy expected without labels.
"""

from functools import partial
from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    BIN,
    CALIBRATION_CONFIDENCE,
    CALIBRATION_CORRECT,
    CALIBRATION_PREDICTIONS,
    CALIBRATION_SQUARED_ERROR,
    PREDICTION_CONFIDENCE,
    Metric,
)
from otel_confidence.expressions import PER_MODEL, PER_VERSION
from otel_confidence.generate.rules.kinds import (
    MODEL,
    SETTLED,
    VERSION,
    Alert,
    Group,
    Recording,
    decimal,
    recorded,
    share,
    weighed,
)
from otel_confidence.stats.calibration import (
    MIN_OUTCOMES,
    OVERCONFIDENCE,
    STANDARD_ERRORS,
    expected_noise,
)

CALIBRATION_ERROR: Final = 0.05
"""Tolerated calibration error beyond what chance explains: the width of half a bin."""
FRESH: Final = "7d"
"""How long a calibration that was found good is relied on without new truth: each day once."""
REMEMBERED: Final = "14d"
"""How long it is said that truth no longer suffices: twice as long as a good one is relied on."""
ACCURACY_DROP: Final = 0.05
"""Loss of accuracy against the week before that is tolerated, beside chance."""

_PER_BIN: Final = (*PER_VERSION, BIN)
_BIN_LEVEL: Final = "model_version_bin"
_NOISE: Final = decimal(round(expected_noise(1), 4))
_EXCESS: Final = recorded(CALIBRATION_CONFIDENCE, "ece_excess1d")
_USUAL: Final = recorded(CALIBRATION_CORRECT, "usual1w", level="model")


def groups() -> list[Group]:
    """
    Groups on accuracy, on calibration and on what a reliability diagram draws.
    """
    return [
        Group("accuracy", "1m", _models(), (_accuracy_dropped(),)),
        Group("calibration", "1m", _versions(), (_overconfident(), _stale())),
        Group("reliability", "2m", _bins()),
    ]


def _versions() -> tuple[Recording, ...]:
    """
    Confidence beside truth, and the accuracy expected while calibration can be relied on.
    """
    excess = (
        f"clamp_min({recorded(CALIBRATION_CONFIDENCE, 'ece1d')}"
        f" - {_NOISE} / sqrt({_labeled('1d')}), 0)\n"
        f"  and {_labeled('1d')} >= {MIN_OUTCOMES}"
    )
    expected = (
        f"{expressions.mean(PREDICTION_CONFIDENCE, '1h', PER_VERSION)}\n"
        f"  and last_over_time({_EXCESS}[{FRESH}]) <= {CALIBRATION_ERROR}"
    )
    measures = (
        (_labeled, expressions.labeled),
        (_claimed, expressions.labeled_confidence),
        (_accuracy, expressions.accuracy),
        (partial(_named, CALIBRATION_SQUARED_ERROR, "mean"), expressions.brier),
        (partial(_named, CALIBRATION_CONFIDENCE, "ece"), expressions.ece),
        (partial(_named, CALIBRATION_CONFIDENCE, "mce"), expressions.mce),
    )
    return (
        *(
            Recording(name(window), query(window, PER_VERSION))
            for window in ("1h", "1d")
            for name, query in measures
        ),
        Recording(_EXCESS, excess),
        Recording(recorded(PREDICTION_CONFIDENCE, "expected_accuracy1h"), expected),
        Recording(recorded(PREDICTION_CONFIDENCE, "judged1h"), _predicting()),
    )


def _bins() -> tuple[Recording, ...]:
    return tuple(
        Recording(name, query("1d", _PER_BIN))
        for name, query in (
            (_labeled("1d", _BIN_LEVEL), expressions.labeled),
            (_claimed("1d", _BIN_LEVEL), expressions.labeled_confidence),
            (_accuracy("1d", _BIN_LEVEL), expressions.accuracy),
        )
    )


def _models() -> tuple[Recording, ...]:
    """
    Accuracy whatever the version, so that a new one is compared with the one that it replaces.
    """
    known, right = (
        _labeled("1d", "model"),
        recorded(CALIBRATION_CORRECT, "increase1d", level="model"),
    )
    before = f"avg_over_time({known}[1w] offset 1d)"
    usual = f"avg_over_time({right}[1w] offset 1d)\n  / ({before} >= {MIN_OUTCOMES})"
    correct = expressions.selector(CALIBRATION_CORRECT)
    return (
        *(
            Recording(name(window, "model"), query(window, PER_MODEL))
            for window in ("1h", "1d")
            for name, query in ((_labeled, expressions.labeled), (_accuracy, expressions.accuracy))
        ),
        Recording(right, expressions.total(correct, "1d", PER_MODEL)),
        Recording(_USUAL, usual),
        Recording(
            recorded(CALIBRATION_CONFIDENCE, "ece1d", level="model"),
            expressions.ece("1d", PER_MODEL),
        ),
    )


def _overconfident() -> Alert:
    """
    The same judgement as ``stats.calibration.is_overconfident()``.
    """

    def exceeds(window: str) -> str:
        return (
            f"{_claimed(window)} - {_accuracy(window)}\n"
            f"    > {OVERCONFIDENCE} + {_by_chance(_accuracy(window), _labeled(window))}"
        )

    return Alert(
        name="ModelOverconfident",
        expression=weighed(
            exceeds,
            lambda window: f"{_labeled(window)} >= {MIN_OUTCOMES}",
            short="1h",
            long="1d",
        ),
        severity="warning",
        topic="calibration",
        summary=f"{VERSION} is surer than it is right",
        description=(
            f"Where the truth is known, the mean confidence of {VERSION} exceeds its accuracy by "
            f"{share()}; {OVERCONFIDENCE} and {STANDARD_ERRORS} standard errors are tolerated."
        ),
        board="calibration",
        waits=SETTLED,
    )


def _stale() -> Alert:
    recent = f"last_over_time({_EXCESS}[{FRESH}])"
    return Alert(
        name="ModelCalibrationStale",
        expression=(
            f"(\n  {recent} > {CALIBRATION_ERROR}\n"
            f"  or (last_over_time({_EXCESS}[{REMEMBERED}]) unless {recent})\n)\n"
            f"and {recorded(PREDICTION_CONFIDENCE, 'judged1h')} > 0"
        ),
        severity="warning",
        topic="calibration",
        summary=f"The confidence of {VERSION} no longer says how often it is right",
        description=(
            f"When {MIN_OUTCOMES} truths a day were last known, the calibration error of {VERSION} "
            f"was {share()} beyond chance. That is above {CALIBRATION_ERROR}, or longer ago than "
            f"{FRESH}; accuracy cannot be expected from confidence."
        ),
        board="calibration",
        waits=SETTLED,
    )


def _accuracy_dropped() -> Alert:
    def fell(window: str) -> str:
        known = _labeled(window, "model")
        return (
            f"{_USUAL} - {_accuracy(window, 'model')}\n"
            f"    > {ACCURACY_DROP} + {_by_chance(_USUAL, known)}"
        )

    return Alert(
        name="ModelAccuracyDropped",
        expression=weighed(
            fell,
            lambda window: f"{_labeled(window, 'model')} >= {MIN_OUTCOMES}",
            short="1h",
            long="1d",
        ),
        severity="warning",
        topic="accuracy",
        summary=f"{MODEL} is right less often than in the week before",
        description=(
            f"Where the truth is known, the accuracy of {MODEL} is {share()} below that of the "
            f"week before; {ACCURACY_DROP} and {STANDARD_ERRORS} standard errors are tolerated."
        ),
        board="calibration",
        waits=SETTLED,
    )


def _by_chance(right: str, known: str) -> str:
    """
    How far a share that was counted lies from the true one, seldom more.
    """
    return f"{STANDARD_ERRORS} * sqrt({right} * (1 - {right}) / {known})"


def _predicting() -> str:
    counted = expressions.selector(PREDICTION_CONFIDENCE, "count")
    return expressions.total(counted, "1h", PER_VERSION)


def _named(metric: Metric, operation: str, window: str) -> str:
    return recorded(metric, f"{operation}{window}")


def _labeled(window: str, level: str = "model_version") -> str:
    return recorded(CALIBRATION_PREDICTIONS, f"increase{window}", level=level)


def _claimed(window: str, level: str = "model_version") -> str:
    return recorded(CALIBRATION_CONFIDENCE, f"mean{window}", level=level)


def _accuracy(window: str, level: str = "model_version") -> str:
    return recorded(CALIBRATION_CORRECT, f"ratio{window}", level=level)
