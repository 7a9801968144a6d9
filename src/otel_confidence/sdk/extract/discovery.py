"""
This module finds the confidence when nothing was declared and the shape is unmistakable.

The first rule that fits is taken, and where none does nothing is guessed:

1. a key or field ``confidence``: a number within 0..1, with the label under ``label``;
2. a pair of a text, integer, boolean or enumeration member and a float within 0..1;
3. a key or field ``proba``, ``probs`` or ``probabilities``: their maximum;
4. a response of the OpenAI clients with log-probabilities: exp of their mean;
5. a list of mappings of which each has a number under ``confidence``: a batch;
6. floats that sum to 1 to within 1e-5, by vector, by row of a matrix, or by class in a mapping.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import numpy as np

from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.distributions import Distribution
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    Extracted,
    complete,
    rejection,
)
from otel_confidence.sdk.extract.logprobs import TokenLogprobs
from otel_confidence.sdk.extract.paths import NOWHERE
from otel_confidence.sdk.extract.reported import Reported

SUM_TOLERANCE: Final = 1e-5
"""How far a sum may be from 1: rounding in float32; chance meets it once in 100,000 vectors."""

_FIELD_TABLES = ("__dataclass_fields__", "_fields", "model_fields", "__attrs_attrs__")
_NUMBER = Reported().reader()
_COLUMN = Reported("[*].confidence").reader()
_LARGEST = Distribution("max", "probability")
_RESPONSE = TokenLogprobs("").reader()


def discover(result: Any) -> Extracted:
    """
    What a result says by its shape alone.
    """
    for rule in _RULES:
        found = rule(result)
        if found is not None:
            return found
    return rejection(CONFIDENCE_MISSING)


def field(result: Any, name: str) -> Any:
    """
    A key of a mapping, or an attribute that is a field and no method; NOWHERE without.
    """
    if isinstance(result, Mapping):
        return result.get(name, NOWHERE)
    return getattr(result, name) if _has_field(result, name) else NOWHERE


def _has_field(result: Any, name: str) -> bool:
    kind = type(result)
    for table in _FIELD_TABLES:
        names = getattr(kind, table, ())
        if table == "__attrs_attrs__":
            names = [attribute.name for attribute in names]
        if isinstance(names, (Mapping, list, tuple)) and name in names:
            return True
    try:
        return name in object.__getattribute__(result, "__dict__")
    except AttributeError:
        return False


def _stated(result: Any) -> Extracted | None:
    value = field(result, "confidence")
    if value is NOWHERE:
        return None
    label = field(result, "label")
    return complete(_NUMBER(value), label=None if label is NOWHERE else label)


def _pair(result: Any) -> Extracted | None:
    if type(result) is not tuple or len(result) != 2:  # noqa: PLR2004  a pair
        return None
    label, confidence = result
    named = isinstance(label, (str, int, np.integer, np.bool_, Enum))
    if not named or not isinstance(confidence, (float, np.floating)):
        return None
    return complete(_NUMBER(confidence), label=label) if 0.0 <= confidence <= 1.0 else None


def _probabilities(result: Any) -> Extracted | None:
    for name in ("proba", "probs", "probabilities"):
        value = field(result, name)
        if value is not NOWHERE:
            found = _LARGEST.read(value)
            label = field(result, "label")
            return found if label is NOWHERE else complete(found, label=label)
    return None


def _response(result: Any) -> Extracted | None:
    choices = field(result, "choices")
    if not isinstance(choices, list) or not choices:
        return None
    logprobs = field(choices[0], "logprobs")
    return None if logprobs is NOWHERE or logprobs is None else _RESPONSE(result)


def _records(result: Any) -> Extracted | None:
    if type(result) is not list or not result:
        return None
    if not all(isinstance(row, Mapping) and "confidence" in row for row in result):
        return None
    labels = [row.get("label") for row in result]
    found = _COLUMN(result)
    if all(label is None for label in labels):
        return found
    return complete(found, label=labels if found.size > 1 else labels[0])


def _distribution(result: Any) -> Extracted | None:
    named = isinstance(result, Mapping)
    if not named and type(result) is not list and not arrays.is_array(result):
        return None
    array = arrays.as_array(list(result.values()) if named else result, masked=0.0)
    if array is None or array.dtype.kind != "f" or array.ndim not in (1, 2):
        return None
    if named and array.ndim != 1:
        return None
    return _LARGEST.read(result) if _sums_to_one(arrays.floats(array, masked=0.0)) else None


def _sums_to_one(array: arrays.Floats | None) -> bool:
    if array is None or not array.size or array.shape[-1] == 1:
        return False
    with np.errstate(all="ignore"):
        off = np.abs(array.sum(axis=-1) - 1.0)
        return bool(array.min() >= 0.0 and (off <= SUM_TOLERANCE).all())


_RULES: Final[tuple[Callable[[Any], Extracted | None], ...]] = (
    _stated, _pair, _probabilities, _response, _records, _distribution,
)  # fmt: skip
