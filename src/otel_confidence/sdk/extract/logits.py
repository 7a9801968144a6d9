"""
This module declares logits: the unnormalized scores before a softmax.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from otel_confidence.sdk.extract.batches import Reader
from otel_confidence.sdk.extract.distributions import (
    UNCERTAIN,
    Distribution,
    check_reduction,
    source_of,
)
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.probabilities import check_temperature
from otel_confidence.stats import uncertainty


@dataclass(frozen=True, slots=True)
class Logits:
    """
    A logit for each class: shape [classes], or [n, classes] for a batch.

    They become probabilities by a softmax; of a masked class or one of -inf nothing is left.
    For a single logit of the positive class see ``BinaryScore``.

    Args:
        at: where they are.
        temperature: what they are divided by first; above 1 it makes less sure.
        reduce: as for ``Probabilities``.
        classes: the names in the order of the last axis; the best one becomes the label.
    """

    at: Place = "logits"
    temperature: float = 1.0
    reduce: str | int = "max"
    classes: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        finder(self.at)
        check_temperature(self.temperature)
        check_reduction(self.reduce, self.classes)

    @property
    def source(self) -> str:
        """
        Where the confidence comes from, a value of ``conventions.SOURCE``.
        """
        return source_of("logit", self.reduce)

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
        temperature = float(self.temperature)
        read = Distribution(
            self.reduce,
            "logit",
            classes=self.classes,
            convert=partial(uncertainty.softmax, temperature=temperature),
            convert_short=partial(_softmax, temperature=temperature),
            masked=-np.inf,
        ).read
        return lambda result: read(find(result))


def _softmax(row: list[float], *, temperature: float) -> list[float] | None:
    """
    The softmax of a few logits, in a tenth of numpy's time; None where one is not sound.
    """
    top = max(row)
    if not math.isfinite(top):
        return None
    grown = [math.exp((logit - top) / temperature) for logit in row]
    total = sum(grown)
    return [share / total for share in grown]
