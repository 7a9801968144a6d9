"""
This module counts truths told to the server, as the series that a program would have counted them.

Counters are cumulative, and start from what the store has: a sample is a checkpoint, and the events
after it are counted again. A series begins at zero, a little before its first value.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from otel_confidence import conventions as c
from otel_confidence import outcomes, spelling
from otel_confidence.ingest.values import positional
from otel_confidence.points import NAME_LABEL, Labels, Metadata, Sample, Selection, Series

ZERO_MS: Final = 10_000
"""How long before its first value a series is known to have stood at zero."""
_CALIBRATION: Final = (
    c.CALIBRATION_PREDICTIONS, c.CALIBRATION_CONFIDENCE, c.CALIBRATION_CORRECT,
    c.CALIBRATION_SQUARED_ERROR,
)  # fmt: skip
_COUNTERS: Final = (c.OUTCOMES, *_CALIBRATION, c.FEEDBACK_RESPONSES)
_HISTOGRAMS: Final = (c.PREDICTION_LABEL_DELAY, c.FEEDBACK_SCORES)
_PARTS: Final = ("_bucket", "_sum", "_count")
NAMES: Final = (
    *(metric.prometheus for metric in _COUNTERS),
    *(metric.prometheus + part for metric in _HISTOGRAMS for part in _PARTS),
)
"""Every series that truths are counted in."""
_MODEL: Final = (c.MODEL_NAME, c.MODEL_VERSION)


class _Total:
    """
    One series and its running total.
    """

    __slots__ = ("changed", "series", "stored", "value")

    def __init__(self, series: Series, value: float = 0.0, *, stored: bool = False) -> None:
        self.series = series
        self.value = value
        self.stored = stored
        """Whether the store has any sample of it."""
        self.changed = True

    def add(self, amount: float) -> None:
        """
        Add to it.
        """
        self.value += amount
        self.changed = True


class Tally:
    """
    Every counter of truths.
    """

    def __init__(self, identity: Mapping[str, str], *, max_models: int = 200) -> None:
        self._identity = dict(identity)
        self._max_models = max_models
        self._totals: dict[Labels, _Total] = {}
        self._found: dict[tuple[str, ...], tuple[_Total, ...]] = {}
        self._models: set[tuple[str, str]] = set()

    def resume(self, stored: Iterable[Selection]) -> None:
        """
        Go on from the last sample of each series that the store has.
        """
        for selection in stored:
            series = Series(selection.labels)
            self._totals[selection.labels] = _Total(
                series, float(selection.values[-1]), stored=True
            )
            labels = dict(selection.labels)
            name, version = (labels.get(each.label, "") for each in _MODEL)
            self._models.add((name, version))

    def model(self, name: str, version: str) -> tuple[str, str]:
        """
        The model and version that are counted, ``_OTHER`` beyond the limit.
        """
        if (name, version) in self._models or len(self._models) < self._max_models:
            self._models.add((name, version))
            return name, version
        return c.OTHER, ""

    def count(self, event: str, told: Mapping[str, str]) -> None:
        """
        Count one event.
        """
        if event == c.OUTCOME_KNOWN.name:
            self._outcome(told)
        else:
            self._judgement(told)

    def samples(self, time_ms: int, *, every: bool) -> list[Sample]:
        """
        What changed since it was stored, or every series, as of a time.
        """
        totals = [t for t in self._totals.values() if every or t.changed]
        zeros = [Sample(t.series, time_ms - ZERO_MS, 0.0) for t in totals if not t.stored]
        return [*zeros, *(Sample(t.series, time_ms, t.value) for t in totals)]

    def stored(self) -> None:
        """
        Note that the store has every change.
        """
        for total in self._totals.values():
            total.stored, total.changed = True, False

    def _outcome(self, told: Mapping[str, str]) -> None:
        model = _picked(told, *_MODEL)
        turned_out = told[c.OUTCOME.name]
        self._counters(model, turned_out)[0].add(1)
        self._observe(c.PREDICTION_LABEL_DELAY, model, float(told[c.LABEL_DELAY.name]))
        if c.CONFIDENCE.name not in told or c.CORRECTNESS.name not in told:
            return
        confidence = float(told[c.CONFIDENCE.name])
        added = outcomes.calibrated(confidence, float(told[c.CORRECTNESS.name]))
        bins = self._bins(model, told.get(c.SOURCE.name, ""))
        first = outcomes.bin_of(confidence) * len(added)
        for total, amount in zip(bins[first : first + len(added)], added, strict=True):
            total.add(amount)

    def _judgement(self, told: Mapping[str, str]) -> None:
        labels = _picked(told, *_MODEL, c.FEEDBACK_TYPE, c.FEEDBACK_SOURCE)
        key = ("feedback", *labels.values())
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = (self._total(c.FEEDBACK_RESPONSES.prometheus, labels),)
        found[0].add(1)
        self._observe(c.FEEDBACK_SCORES, labels, float(told[c.FEEDBACK_SCORE.name]))

    def _counters(self, model: Mapping[str, str], turned_out: str) -> tuple[_Total, ...]:
        key = ("outcome", turned_out, *model.values())
        found = self._found.get(key)
        if found is None:
            for each in (outcomes.CORRECT, outcomes.INCORRECT, turned_out):
                total = self._total(c.OUTCOMES.prometheus, {**model, c.OUTCOME.label: each})
            found = self._found[key] = (total,)
        return found

    def _bins(self, model: Mapping[str, str], source: str) -> tuple[_Total, ...]:
        """
        The four totals of each bin in turn.
        """
        key = ("bins", source, *model.values())
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(
                self._total(metric.prometheus, {**model, c.BIN.label: edge, c.SOURCE.label: source})
                for edge in outcomes.BINS
                for metric in _CALIBRATION
            )
        return found

    def _observe(self, metric: c.Metric, labels: Mapping[str, str], value: float) -> None:
        """
        Count a value in the cumulative buckets from its own up, the sum and the count.
        """
        key = (metric.name, *labels.values())
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._histogram(metric, labels)
        first = bisect_left(metric.edges, value)
        for total in found[first : len(metric.edges) + 2]:
            total.add(1)
        found[-1].add(value)

    def _histogram(self, metric: c.Metric, labels: Mapping[str, str]) -> tuple[_Total, ...]:
        name = metric.prometheus
        edges = (*(positional(edge) for edge in metric.edges), "+Inf")
        buckets = (self._total(f"{name}_bucket", {**labels, "le": edge}) for edge in edges)
        ends = (self._total(f"{name}_{part}", labels) for part in ("count", "sum"))
        return (*buckets, *ends)

    def _total(self, name: str, labels: Mapping[str, str]) -> _Total:
        named = {**labels, **self._identity, NAME_LABEL: name}
        key: Labels = tuple(sorted((label, value) for label, value in named.items() if value))
        found = self._totals.get(key)
        if found is None:
            found = self._totals[key] = _Total(Series(key))
        return found


@lru_cache(maxsize=1)
def about() -> tuple[Metadata, ...]:
    """
    Type, unit and help of every metric that truths are counted in.
    """
    counters = (
        Metadata(m.prometheus, "counter", spelling.unit_name(m.unit), m.about) for m in _COUNTERS
    )
    histograms = (
        Metadata(m.prometheus, "histogram", spelling.unit_name(m.unit), m.about)
        for m in _HISTOGRAMS
    )
    return (*counters, *histograms)


def _picked(told: Mapping[str, str], *attributes: c.Attribute) -> dict[str, str]:
    return {attribute.label: told.get(attribute.name, "") for attribute in attributes}
