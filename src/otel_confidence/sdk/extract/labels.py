"""
This module finds the predicted label or value, one or n of them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.distributions import names_of
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder

_BEST: Final = "argmax"
_PLAIN: Final = frozenset((str, int, float, bool, bytes, dict, list, tuple))
"""Types that need no look for an array behind them: what labels mostly are."""


def labeler(place: Place) -> Callable[[Any], Any]:
    """
    A function from a result to its label, a list of them for a batch, or None.

    ``"proba.argmax"`` is the best class: its name where the values carry names, else its index.

    Raises:
        ConfigurationError: the place is neither a path nor a callable.
    """
    if isinstance(place, str) and (place == _BEST or place.endswith(f".{_BEST}")):
        find = finder(place[: -len(_BEST)].removesuffix("."))
        return lambda result: best_class(find(result))
    find = finder(place)
    return lambda result: plain(find(result))


def plain(value: Any) -> Any:
    """
    Python's own value for a numpy scalar, a list for an array, and anything else as it is.
    """
    if type(value) in _PLAIN:
        return value
    if value is NOWHERE:
        return None
    if isinstance(value, Many):
        return [plain(row) for row in value]
    if isinstance(value, np.generic):
        return value.item()
    if not arrays.is_array(value):
        return value
    array = arrays.as_array(value)
    return value if array is None else array.tolist()


def best_class(value: Any) -> Any:
    """
    The class of the largest value in [classes], or of each row in [n, classes]; None for NaN.
    """
    if isinstance(value, Many):
        return [best_class(row) for row in value]
    names = list(value) if isinstance(value, Mapping) else names_of(value)
    cells = list(value.values()) if isinstance(value, Mapping) else value
    array = None if cells is NOWHERE else arrays.floats(cells, masked=-np.inf)
    if array is None or array.ndim not in (1, 2) or not array.size:
        return None
    rows = np.atleast_2d(array)
    sound = np.asarray(~np.isnan(rows).any(axis=1)).tolist()
    best = [i if ok else None for i, ok in zip(rows.argmax(axis=1).tolist(), sound, strict=True)]
    labels = best if names is None else [None if i is None else names[i] for i in best]
    return labels if array.ndim > 1 else labels[0]
