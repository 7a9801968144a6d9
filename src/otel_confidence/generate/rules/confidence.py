"""
This module builds the rules on confidence: how sure models are, now and against the week before.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import DECISION, LOW_CONFIDENCE, PREDICTION_CONFIDENCE, PREDICTIONS
from otel_confidence.expressions import PER_MODEL, PER_VERSION
from otel_confidence.generate.rules.kinds import (
    MIN_PREDICTIONS,
    MODEL,
    SETTLED,
    VERSION,
    WEEK,
    Alert,
    Group,
    Recording,
    recorded,
    share,
    weighed,
)

MIN_JUDGED: Final = 30
"""Predictions below which a mean confidence is not judged by itself.

Confidences spread by 0.3 at most in practice, so that their mean has a standard error of 0.05.
"""
CONFIDENCE_DROP: Final = 0.1
"""Loss of mean confidence that is told: more than three standard errors of two means of
``MIN_PREDICTIONS`` that spread by 0.2."""
ABSTENTION_SURGE: Final = 0.1
"""Growth of the share of predictions not accepted that is told: two standard errors at most of a
share of ``MIN_PREDICTIONS``."""

_NOT_ACCEPTED: Final = f'{DECISION.label}=~"{"|".join(DECISION.values[1:])}"'
_DECIDED: Final = f'{DECISION.label}!=""'


def groups() -> list[Group]:
    """
    Groups on confidence and on what was decided by it.
    """
    return [
        Group("confidence", "15s", _now(), (_low(),)),
        Group("confidence-week", "1m", _week(), (_dropped(),)),
        Group("decisions", "1m", _decisions(), (_abstaining(),)),
    ]


def _now() -> tuple[Recording, ...]:
    counted = expressions.selector(PREDICTION_CONFIDENCE, "count")
    return tuple(
        recording
        for window in ("5m", "1h")
        for recording in (
            Recording(_evidence(window), expressions.total(counted, window, PER_VERSION)),
            Recording(
                _sureness(window), expressions.mean(PREDICTION_CONFIDENCE, window, PER_VERSION)
            ),
        )
    )


def _week() -> tuple[Recording, ...]:
    """
    The same whatever the version, so that a new version is compared with the one it replaces.
    """
    counted = expressions.selector(PREDICTION_CONFIDENCE, "count")
    return tuple(
        recording
        for window in ("1h", "1d")
        for recording in (
            Recording(_evidence(window, "model"), expressions.total(counted, window, PER_MODEL)),
            Recording(
                _sureness(window, "model"),
                expressions.mean(PREDICTION_CONFIDENCE, window, PER_MODEL),
            ),
        )
    )


def _decisions() -> tuple[Recording, ...]:
    decided = expressions.selector(PREDICTIONS, "", _DECIDED)
    return tuple(
        recording
        for window in ("1h", "1d")
        for recording in (
            Recording(_decided(window), expressions.total(decided, window, PER_MODEL)),
            Recording(
                _abstained(window),
                expressions.share_of(PREDICTIONS, _NOT_ACCEPTED, window, PER_MODEL, among=_DECIDED),
            ),
        )
    )


def _low() -> Alert:
    return Alert(
        name="ModelConfidenceLow",
        expression=weighed(
            lambda window: f"{_sureness(window)} < {LOW_CONFIDENCE}",
            lambda window: f"{_evidence(window)} >= {MIN_JUDGED}",
            short="5m",
            long="1h",
        ),
        severity="warning",
        topic="confidence",
        summary=f"{VERSION} is unsure of its predictions",
        description=f"The mean confidence of {VERSION} is {share()}, below {LOW_CONFIDENCE}.",
        waits=SETTLED,
    )


def _dropped() -> Alert:
    def fell(window: str) -> str:
        now, evidence = _sureness(window, "model"), _evidence(window, "model")
        return (
            f"{now} offset {WEEK} - {now} > {CONFIDENCE_DROP}\n"
            f"  and {evidence} offset {WEEK} >= {MIN_PREDICTIONS}"
        )

    return Alert(
        name="ModelConfidenceDropped",
        expression=weighed(
            fell,
            lambda window: f"{_evidence(window, 'model')} >= {MIN_PREDICTIONS}",
            short="1h",
            long="1d",
        ),
        severity="warning",
        topic="confidence",
        summary=f"{MODEL} is less sure than a week ago",
        description=(
            f"The mean confidence of {MODEL} is {share()} lower than at the same time a week ago; "
            f"more than {CONFIDENCE_DROP} is told."
        ),
        waits=SETTLED,
    )


def _abstaining() -> Alert:
    def surged(window: str) -> str:
        before = f"{_abstained('1d')} offset {window}"
        return (
            f"{_abstained(window)} - {before} > {ABSTENTION_SURGE}\n"
            f"  and {_decided('1d')} offset {window} >= {MIN_PREDICTIONS}"
        )

    return Alert(
        name="ModelAbstentionSurge",
        expression=weighed(
            surged,
            lambda window: f"{_decided(window)} >= {MIN_PREDICTIONS}",
            short="1h",
            long="1d",
        ),
        severity="warning",
        topic="confidence",
        summary=f"{MODEL} leaves more to others than the day before",
        description=(
            f"The share of the predictions of {MODEL} that were abstained from, escalated or "
            f"replaced is {share()} higher than the day before; more than {ABSTENTION_SURGE} is "
            "told."
        ),
        waits=SETTLED,
    )


def _evidence(window: str, level: str = "model_version") -> str:
    return recorded(PREDICTION_CONFIDENCE, f"increase{window}", level=level)


def _sureness(window: str, level: str = "model_version") -> str:
    return recorded(PREDICTION_CONFIDENCE, f"mean{window}", level=level)


def _decided(window: str) -> str:
    return recorded(PREDICTIONS, f"decided{window}", level="model")


def _abstained(window: str) -> str:
    return recorded(PREDICTIONS, f"abstained{window}", level="model")
