"""
This module declares probabilities: one for each class, or one of the positive class alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, collected, each
from otel_confidence.sdk.extract.distributions import (
    ROUNDING,
    UNCERTAIN,
    Distribution,
    check_reduction,
    source_of,
)
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    INVALID_VALUE,
    OUT_OF_RANGE,
    Extracted,
    reasons,
    rejection,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.scales import is_positive, number_of
from otel_confidence.stats import uncertainty

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Probabilities:
    """
    A probability for each class: shape [classes], [n, classes] for a batch, or class to value.

    A masked class has none of the probability. A sum below 1 is taken as the head of a longer
    list, except for the entropy, which needs all of it.

    Args:
        at: where they are.
        reduce: ``"max"``, ``"margin"`` (best less second), ``"entropy"`` (1 less the normalized
            entropy), or the index or name of one class.
        classes: the names in the order of the last axis; the best one becomes the label.
        independent: the classes do not exclude each other, so their sum means nothing.
    """

    at: Place = "proba"
    reduce: str | int = "max"
    classes: Sequence[Any] | None = None
    independent: bool = False

    def __post_init__(self) -> None:
        finder(self.at)
        check_reduction(self.reduce, self.classes)
        if self.independent and self.reduce == "entropy":
            raise ConfigurationError(
                "independent classes form no distribution and have no entropy; "
                'reduce by "max", "margin" or a class'
            )

    @property
    def source(self) -> str:
        """
        Where the confidence comes from, a value of ``conventions.SOURCE``.
        """
        return source_of("probability", self.reduce)

    @property
    def method(self) -> str:
        """
        The uncertainty its reduction turns into; empty for none.
        """
        return str(self.reduce) if self.reduce in UNCERTAIN else ""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        read = Distribution(
            self.reduce, "probability", classes=self.classes, independent=self.independent
        ).read
        return lambda result: read(find(result))


@dataclass(frozen=True, slots=True)
class BinaryScore:
    """
    The positive class's probability or logit: a number, or shape [n] or [n, 1] for a batch.

    The confidence is the probability of the class decided on: the score itself from the threshold
    up, else 1 less the score. Of ``[n, 2]`` the second column is the positive class.

    Args:
        at: where it is.
        threshold: the probability from which the positive class is decided on.
        logits: the scores are logits, to be put through the sigmoid.
        temperature: what logits are divided by first.
        classes: the names of the negative and the positive class; they become the label.
    """

    at: Place = "."
    threshold: float = 0.5
    logits: bool = False
    temperature: float = 1.0
    classes: tuple[Any, Any] | None = None

    def __post_init__(self) -> None:
        finder(self.at)
        check_temperature(self.temperature)
        if not isinstance(self.threshold, (int, float)) or not 0.0 < self.threshold < 1.0:
            raise ConfigurationError(f"threshold must lie between 0 and 1, got {self.threshold!r}")
        if self.classes is not None and len(self.classes) != 2:  # noqa: PLR2004  binary
            raise ConfigurationError(
                f"classes must be the pair (negative, positive), got {self.classes!r}"
            )

    @property
    def source(self) -> str:
        """
        The value of ``conventions.SOURCE``.
        """
        return "logit" if self.logits else "probability"

    method = ""
    """It finds no uncertainty."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        return lambda result: self._read(find(result))

    def _read(self, value: Any) -> Extracted:
        if value is NOWHERE:
            return rejection(CONFIDENCE_MISSING, self.source)
        if isinstance(value, Many):
            return each(self._read, value, self.source)
        number, reason = number_of(value)
        if number is not None:
            return self._decide(np.array([number]), batch=False)
        array = column_of(value)
        if array is None:
            return rejection(reason, self.source)
        return self._decide(array) if array.size else rejection(CONFIDENCE_MISSING, self.source)

    def _decide(self, scores: arrays.Floats, *, batch: bool = True) -> Extracted:
        if self.logits:
            with np.errstate(all="ignore"):
                scores = uncertainty.sigmoid(scores, temperature=self.temperature)
        finite = np.isfinite(scores)
        within = finite & (scores >= -ROUNDING) & (scores <= 1.0 + ROUNDING)
        positive = scores >= self.threshold
        confidences = np.clip(np.where(positive, scores, 1.0 - scores), 0.0, 1.0)
        counts = {
            INVALID_VALUE: int(np.count_nonzero(~finite)),
            OUT_OF_RANGE: int(np.count_nonzero(finite & ~within)),
        }
        return collected(
            np.where(within, confidences, np.nan),
            self.source,
            labels=self._labels(positive, within),
            rejected=reasons(counts),
            batch=batch,
        )

    def _labels(self, positive: Flags, within: Flags) -> list[Any] | None:
        if self.classes is None:
            return None
        negative_class, positive_class = self.classes
        pairs = zip(positive.tolist(), within.tolist(), strict=True)
        return [(positive_class if p else negative_class) if w else None for p, w in pairs]


def column_of(value: Any) -> arrays.Floats | None:
    """
    Shape [n] from [n], [n, 1] or the last column of [n, 2]; None for everything else.
    """
    array = arrays.floats(value)
    if array is None or array.ndim not in (1, 2):
        return None
    if array.ndim == 1:
        return array
    return array[:, -1] if array.shape[1] in (1, 2) else None


def check_temperature(temperature: object) -> None:
    """
    Refuse a temperature that is no positive number.

    Raises:
        ConfigurationError: with what would be right.
    """
    if not is_positive(temperature):
        raise ConfigurationError(f"temperature must be a positive number, got {temperature!r}")
