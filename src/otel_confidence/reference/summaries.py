"""
This module makes a reference of data: its features' bins, its confidences and its classes.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from otel_confidence.conventions import CONFIDENCE_EDGES, OTHER
from otel_confidence.errors import ConfigurationError, InvalidRecord
from otel_confidence.reference import columns
from otel_confidence.reference.cells import category_of, kind_of
from otel_confidence.reference.columns import Column, Floats
from otel_confidence.reference.features import CategoricalFeature, Feature, NumericFeature
from otel_confidence.reference.model import Histogram, Reference
from otel_confidence.stats.drift import quantile_edges, shortest_within

MIN_BINS: Final = 2
MAX_BINS: Final = 50
NAMED_CATEGORIES: Final = 20
"""Categories that get a bin of their own; each is a series of every model."""
MAX_CATEGORIES: Final = 1000
"""Categories beyond which a feature is an id or free text, which no bin can follow."""
MARGIN: Final = 1e-3
"""How far beyond the reference's range a value becomes an outlier, as a share of the range."""
_FLOAT32_NOISE: Final = 1e-6


def summarize(
    *,
    features: Any,
    confidences: Any,
    labels: Any,
    id: str,  # noqa: A002  the word users know
    bins: int,
    names: Sequence[str] | None,
    categorical: Sequence[str],
) -> Reference:
    """
    The reference of some data; see ``Reference.from_data()``.
    """
    if features is None and confidences is None and labels is None:
        raise ConfigurationError("a reference needs features, confidences or labels")
    if type(bins) is not int or not MIN_BINS <= bins <= MAX_BINS:
        raise ConfigurationError(
            f"bins must be a whole number within {MIN_BINS}..{MAX_BINS}, got {bins!r}"
        )
    try:
        table = {} if features is None else columns.table(features, names)
        given = {"confidences": confidences, "labels": labels}
        more = {k: columns.column(v, k) for k, v in given.items() if v is not None}
    except InvalidRecord as error:
        raise ConfigurationError(str(error)) from error
    if unknown := sorted(set(categorical) - table.keys()):
        raise ConfigurationError(f"categorical names no feature: {unknown}, known: {list(table)}")
    return Reference(
        _rows(table, more),
        tuple(_feature(n, v, bins, categorical=n in categorical) for n, v in table.items()),
        _confidence(more["confidences"]) if "confidences" in more else None,
        _classes(more["labels"]) if "labels" in more else (),
        id,
    )


def _rows(table: dict[str, Column], more: dict[str, Column]) -> int:
    lengths = {k: len(v) for k, v in (*(("features", v) for v in table.values()), *more.items())}
    if len(set(lengths.values())) > 1:
        raise ConfigurationError(f"a reference needs one row for each prediction, got {lengths}")
    rows = next(iter(lengths.values()), 0)
    if not rows:
        raise ConfigurationError("a reference needs at least one row, and features some columns")
    return rows


def _feature(name: str, values: Column, bins: int, *, categorical: bool) -> Feature:
    if categorical or _kind(name, values) == "text":
        return _categorical(name, values)
    return _numeric(name, columns.numbers(values), bins)


def _kind(name: str, values: Column) -> str:
    """
    Whether a column holds numbers or texts.
    """
    if values.dtype.kind in "biuf" or (values.dtype.kind == "V" and "float" in values.dtype.name):
        return "number"
    kinds = {kind_of(cell): cell for cell in values}
    kinds.pop("missing", None)
    if "foreign" in kinds:
        held = type(kinds["foreign"]).__name__
        raise ConfigurationError(
            f"feature {name!r} holds {held}: give numbers, texts or booleans "
            "(of a time for example its age in seconds, its hour, its weekday)"
        )
    if len(kinds) > 1:
        raise ConfigurationError(
            f"feature {name!r} mixes numbers and texts: convert it, or name it in categorical=[...]"
        )
    return next(iter(kinds), "number")


def _numeric(name: str, values: Floats, bins: int) -> NumericFeature:
    finite = np.sort(values[np.isfinite(values)])
    missing = int(np.isnan(values).sum())
    if not len(finite):
        raise ConfigurationError(
            f"feature {name!r} has no usable value: {missing} missing, "
            f"{len(values) - missing} infinite or no number"
        )
    low, high = _range(finite)
    edges = _edges(finite, bins, low, high)
    counts = np.bincount(np.searchsorted(edges, finite), minlength=len(edges) + 1)
    return NumericFeature(
        name, tuple(edges.tolist()), tuple(counts.tolist()), low, high, missing,
        len(values) - missing - len(finite),
    )  # fmt: skip


def _range(finite: Floats) -> tuple[float, float]:
    """
    Beyond what a value is an outlier: the reference's range and a margin.

    A value of the same distribution is beyond the range of n others with probability 2 / (n + 1) at
    most, whatever the distribution. The margin swallows what half and single precision change.
    """
    least, most = float(finite[0]), float(finite[-1])
    noise = _FLOAT32_NOISE * max(abs(least), abs(most))
    margin = max(MARGIN * (most / 2 - least / 2) * 2, noise) or MARGIN
    limit = float(np.finfo(np.float64).max)
    low = shortest_within(max(least - 2 * margin, -limit), max(least - margin, -limit))
    return low, shortest_within(min(most + margin, limit), min(most + 2 * margin, limit))


def _edges(finite: Floats, bins: int, low: float, high: float) -> Floats:
    """
    The quantile edges, and one beyond either end where a value repeats as often as fills a bin.

    An outer bin is open, so without that edge a shift from such a value outwards would be unseen.
    """
    often = len(finite) / bins
    edges = quantile_edges(finite, bins)
    below = [low] if (finite == finite[0]).sum() >= often else []
    above = [high] if (finite == finite[-1]).sum() >= often else []
    return np.array([*below, *edges, *above])


def _categorical(name: str, values: Column) -> CategoricalFeature:
    counted = Counter(map(category_of, values.tolist()))
    missing, invalid = counted.pop("", 0), counted.pop(None, 0)
    ranked = sorted(((str(k), n) for k, n in counted.items()), key=lambda each: (-each[1], each[0]))
    if not ranked:
        raise ConfigurationError(
            f"feature {name!r} has no usable value: {missing} missing, {invalid} no category"
        )
    _check_variety(name, len(ranked), len(values) - missing - invalid)
    named = [each for each in ranked if each[0] != OTHER][:NAMED_CATEGORIES]
    others = [each for each in ranked if each not in named]
    return CategoricalFeature(
        name, tuple(k for k, _ in named), tuple(n for _, n in named),
        tuple(sorted(k for k, _ in others)), sum(n for _, n in others), missing, invalid,
    )  # fmt: skip


def _check_variety(name: str, categories: int, values: int) -> None:
    """
    Refuse ids and free texts: they drift always, and would stand in the file and on metrics.
    """
    if categories > MAX_CATEGORIES or (categories > NAMED_CATEGORIES and categories * 2 > values):
        raise ConfigurationError(
            f"feature {name!r} has {categories} categories in {values} values: an id or free text? "
            f"leave it out, or group it into at most {MAX_CATEGORIES}"
        )


def _confidence(values: Column) -> Histogram:
    found = columns.numbers(values)
    known = found[~np.isnan(found)]
    if not len(known):
        raise ConfigurationError("confidences holds no number")
    astray = known[(known < 0) | (known > 1)]
    if len(astray):
        raise ConfigurationError(
            f"confidences must be within 0..1, got {astray[0]!s} (percent? divide by 100)"
        )
    places = np.searchsorted(CONFIDENCE_EDGES, known)
    counts = np.bincount(places, minlength=len(CONFIDENCE_EDGES))
    return Histogram(CONFIDENCE_EDGES, tuple(counts.tolist()))


def _classes(values: Column) -> tuple[tuple[str, int], ...]:
    counted = Counter(map(category_of, values.tolist()))
    counted.pop("", None)
    if counted.pop(None, 0) or not counted:
        raise ConfigurationError("labels must be texts, numbers or booleans")
    if len(counted) > MAX_CATEGORIES:
        raise ConfigurationError(f"labels has {len(counted)} classes, more than {MAX_CATEGORIES}")
    ranked = ((str(label), count) for label, count in counted.items())
    return tuple(sorted(ranked, key=lambda each: (-each[1], each[0])))
