"""
This module decides by confidence: from each threshold up, what is done with a prediction.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from otel_confidence.errors import ConfigurationError

ACCEPT: Final = "accept"
ABSTAIN: Final = "abstain"
ESCALATE: Final = "escalate"
FALLBACK: Final = "fallback"
_PERCENT: Final = 100
_DECLARED: Final = (ACCEPT, ESCALATE, FALLBACK)


@dataclass(frozen=True, slots=True)
class Decisions:
    """
    What confidences decide: ``names[i]`` from ``edges[i - 1]`` up to below ``edges[i]``.
    """

    edges: tuple[float, ...] = ()
    """Ascending, each within 0..1."""
    names: tuple[str, ...] = (ACCEPT,)
    """Values of ``conventions.DECISION``, one more than edges; the last is ``accept``."""

    threshold: float | None = field(init=False)
    """The confidence from which a prediction is accepted; None where all of them are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", self.edges[-1] if self.edges else None)

    def of(self, confidence: float) -> str:
        """
        What is done with a prediction of this confidence.
        """
        return self.names[bisect_right(self.edges, confidence)]

    def without_fallback(self) -> "Decisions":
        """
        The same where nothing can be fallen back to: such predictions are left unanswered.
        """
        return replace(self, names=tuple(ABSTAIN if n == FALLBACK else n for n in self.names))


EVERYTHING: Final = Decisions()
"""Without a threshold every prediction is accepted."""


def decisions(
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    *,
    fallback: bool = False,
) -> Decisions:
    """
    The decisions a program declares.

    Args:
        threshold: the confidence from which a prediction is accepted.
        thresholds: instead, the least confidence of each decision, such as
            ``{"accept": 0.9, "escalate": 0.6}``; what is below them all is ``abstain``.
        fallback: whether there is a function to fall back to; ``abstain`` becomes ``fallback``
            unless ``thresholds`` gives ``fallback`` a place of its own.

    Raises:
        ConfigurationError: they contradict each other, or are out of range.
    """
    declared = _declared(threshold, thresholds)
    if fallback and not declared:
        raise ConfigurationError("fallback= needs threshold=, the confidence it stands in below")
    if FALLBACK in declared and not fallback:
        raise ConfigurationError('thresholds={"fallback": ...} needs fallback=, a function')
    lowest = FALLBACK if fallback and FALLBACK not in declared else ABSTAIN
    ascending = sorted(declared.items(), key=lambda item: item[1])
    return (
        Decisions(tuple(edge for _, edge in ascending), (lowest, *(name for name, _ in ascending)))
        if declared
        else EVERYTHING
    )


def _declared(threshold: float | None, thresholds: Mapping[str, float] | None) -> dict[str, float]:
    if thresholds is None:
        return {} if threshold is None else {ACCEPT: _within("threshold", threshold)}
    if threshold is not None:
        raise ConfigurationError("declare either threshold= or thresholds=, not both")
    if not isinstance(thresholds, Mapping) or ACCEPT not in thresholds:
        raise ConfigurationError(
            f'thresholds must be like {{"accept": 0.9, "escalate": 0.6}}, got {thresholds!r}'
        )
    found = {name: _within(f"thresholds[{name!r}]", at) for name, at in thresholds.items()}
    if unknown := [name for name in found if name not in _DECLARED]:
        raise ConfigurationError(
            f"thresholds are given to {', '.join(_DECLARED)} (below them all is {ABSTAIN}), "
            f"got {unknown[0]!r}"
        )
    if len(set(found.values())) < len(found) or max(found.values()) > found[ACCEPT]:
        raise ConfigurationError(
            f"thresholds must differ, and that of accept be the highest, got {dict(thresholds)!r}"
        )
    return found


def _within(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigurationError(f"{name} must be within 0..1, got {value!r}{_percent(value)}")
    return float(value)


def _percent(value: object) -> str:
    percent = isinstance(value, (int, float)) and 1 < value <= _PERCENT
    return " (percent? divide by 100)" if percent else ""
