"""
This module declares conformal prediction sets: the labels that could not be ruled out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, each
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    UNKNOWN_CLASS,
    Extracted,
    rejection,
    wrong_type,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder

_SOURCE: Final = "conformal"


@dataclass(frozen=True, slots=True)
class PredictionSet:
    """
    A set that holds the true label with probability ``1 - alpha`` or more, over all cases.

    The confidence is ``(1 - alpha) / size``: how often a label drawn from the set at random would
    be right, given that coverage (Vovk, Gammerman and Shafer 2005; Sadinle, Lei and Wasserman
    2019 for sets of least size). An empty set holds no label and has confidence 0. The
    uncertainty is the size; the label is the only element where there is one.

    A set is any set, list or tuple of labels, or booleans of shape [classes]; a batch is a list
    of sets, or booleans of shape [n, classes].

    Args:
        at: where it is.
        alpha: the share of cases in which the true label may be outside, as it was calibrated.
        classes: the labels in the order of the booleans, or how many there are.
    """

    at: Place = "prediction_set"
    alpha: float | None = None
    classes: int | Sequence[Any] | None = None

    def __post_init__(self) -> None:
        finder(self.at)
        if not isinstance(self.alpha, float) or not 0.0 < self.alpha < 1.0:
            raise ConfigurationError(
                "a prediction set needs the alpha it was calibrated with, between 0 and 1, "
                f"such as PredictionSet(alpha=0.1), got {self.alpha!r}"
            )
        if self._names is not None and not self._names:
            raise ConfigurationError(f"classes must not be empty, got {self.classes!r}")

    @property
    def _names(self) -> Sequence[Any] | None:
        return range(self.classes) if isinstance(self.classes, int) else self.classes

    source = _SOURCE
    """Where the confidence comes from, a value of ``conventions.SOURCE``."""

    method = "set_size"
    """The uncertainty it finds, a value of ``conventions.UNCERTAINTY_METHOD``."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        return lambda result: self._read(find(result))

    def _read(self, value: Any) -> Extracted:
        if value is NOWHERE or value is None:
            return rejection(CONFIDENCE_MISSING, _SOURCE)
        if isinstance(value, Many):
            return each(self._read, value, _SOURCE)
        if arrays.is_array(value):
            return self._flags(value)
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Collection):
            return rejection(wrong_type(value), _SOURCE)
        if isinstance(value, list) and value and all(_is_set(one) for one in value):
            return each(lambda one: self._one(list(one)), value, _SOURCE)
        return self._one(list(value))

    def _flags(self, value: Any) -> Extracted:
        flags = np.asarray(value)
        if flags.dtype.kind != "b" or flags.ndim not in (1, 2):
            return self._labels(flags, value)
        names = self._names if self._names is not None else range(flags.shape[-1])
        if len(names) != flags.shape[-1]:
            return rejection(wrong_type(value), _SOURCE)
        sets = [[names[i] for i in np.flatnonzero(row).tolist()] for row in np.atleast_2d(flags)]
        return self._one(sets[0]) if len(sets) == 1 else each(self._one, sets, _SOURCE)

    def _labels(self, labels: Any, value: Any) -> Extracted:
        if labels.ndim != 1:
            return rejection(wrong_type(value), _SOURCE)
        return self._one(labels.tolist())

    def _one(self, labels: list[Any]) -> Extracted:
        if self._names is not None and not all(label in self._names for label in labels):
            return rejection(UNKNOWN_CLASS, _SOURCE)
        size = len(labels)
        return Extracted(
            confidence=(1.0 - (self.alpha or 0.0)) / size if size else 0.0,
            label=labels[0] if size == 1 else None,
            source=_SOURCE,
            uncertainty=float(size),
            method="set_size",
            prediction_set=labels,
        )


def _is_set(value: object) -> bool:
    return isinstance(value, (set, frozenset, list)) or (
        type(value) is np.ndarray and value.ndim == 1
    )


def covers(prediction_set: Collection[Any], truth: Any) -> bool:
    """
    Whether a set holds the true label: the share of such cases is the empirical coverage.
    """
    return any(bool(label == truth) for label in prediction_set)
