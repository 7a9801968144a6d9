"""
This module builds the rules on feedback: what people think of predictions, against before.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import FEEDBACK_SCORES, FEEDBACK_TYPE, MODEL_NAME
from otel_confidence.generate.rules.kinds import (
    MIN_PREDICTIONS,
    MODEL,
    SETTLED,
    Alert,
    Group,
    Recording,
    of,
    recorded,
    share,
    weighed,
)

SATISFACTION_DROP: Final = 0.1
"""Loss of mean satisfaction that is told: two standard errors at most of a mean of
``MIN_PREDICTIONS`` judgements within 0..1."""

_PER_TYPE: Final = (MODEL_NAME, FEEDBACK_TYPE)
"""Kinds of judgement are kept apart: another mix of them is no change of mind."""


def groups() -> list[Group]:
    """
    The group on satisfaction.
    """
    return [Group("feedback", "2m", _recordings(), (_dropped(),))]


def _recordings() -> tuple[Recording, ...]:
    counted = expressions.selector(FEEDBACK_SCORES, "count")
    return tuple(
        recording
        for window in ("1d", "7d")
        for recording in (
            Recording(_judged(window), expressions.total(counted, window, _PER_TYPE)),
            Recording(_score(window), expressions.mean(FEEDBACK_SCORES, window, _PER_TYPE)),
        )
    )


def _dropped() -> Alert:
    def fell(window: str) -> str:
        return (
            f"{_score('7d')} offset {window} - {_score(window)} > {SATISFACTION_DROP}\n"
            f"  and {_judged('7d')} offset {window} >= {MIN_PREDICTIONS}"
        )

    return Alert(
        name="ModelSatisfactionDropped",
        expression=weighed(
            fell,
            lambda window: f"{_judged(window)} >= {MIN_PREDICTIONS}",
            short="1d",
            long="7d",
        ),
        severity="warning",
        topic="feedback",
        summary=f"People are less content with {MODEL} than the week before",
        description=(
            f"The mean judgement of {MODEL} ({of(FEEDBACK_TYPE)}) is {share()} lower than in the "
            f"seven days before; more than {SATISFACTION_DROP} is told."
        ),
        board="feedback",
        waits=SETTLED,
    )


def _judged(window: str) -> str:
    return recorded(FEEDBACK_SCORES, f"increase{window}", level="model_type")


def _score(window: str) -> str:
    return recorded(FEEDBACK_SCORES, f"mean{window}", level="model_type")
