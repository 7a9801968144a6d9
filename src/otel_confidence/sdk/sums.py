"""
This module keeps what only adds up: counters as plain numbers, read when telemetry is collected.

OpenTelemetry's own counter costs some 4 us an addition, most of it spent on finding the series
again; a prediction adds to five. Here a series is found once, adding to it costs one lock, and the
stream on the wire is the same: an observable counter reports the running total. Two more things
follow: a total can't grow past what OTLP can carry, and a forked child starts from zero instead of
repeating its parent's counts.
"""

import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

from otel_confidence import conventions as c

Attributes = dict[str, str]

LARGEST: Final = 2**63 - 1
"""The largest integer of OTLP; one more and no metric leaves the process any longer."""
OVERFLOW: Final = "otel.metric.overflow"
"""OpenTelemetry's name for the series that stands for all beyond the limit."""
_ADDITIVE: Final = tuple(m for m in c.METRICS if m.kind in {"counter", "updown_counter"})
_LEVELS: Final = tuple(m for m in c.METRICS if m.kind == "gauge")
"""Gauges that hold until they are set again, and are reported with every export."""


class Sum:
    """
    One series of one counter or gauge.
    """

    __slots__ = ("attributes", "value")

    def __init__(self, attributes: Mapping[str, str | bool]) -> None:
        self.attributes: Mapping[str, str | bool] = attributes
        self.value: float = 0


class Sums:
    """
    Every counter of one ``Telemetry``, and gauges that hold what they were set to.

    ``lock`` is held while a ``Sum`` is changed. Its holder can take it again, as every lock of ours
    that recording takes: a signal handler, or a stream that is dropped and collected, may record in
    the midst of a recording.
    """

    def __init__(self, *, max_series: int) -> None:
        self.lock = threading.RLock()
        self._max_series = max_series
        self._series: dict[str, dict[tuple[tuple[str, str], ...], Sum]] = {
            metric.name: {} for metric in (*_ADDITIVE, *_LEVELS)
        }
        _alive.add(self)

    def of(self, metric: c.Metric, attributes: Attributes) -> Sum:
        """
        The series with these attributes, born at zero; beyond the limit, the overflow series.
        """
        key = tuple(sorted(attributes.items()))
        series = self._series[metric.name]
        with self.lock:
            found = series.get(key)
            if found is None and len(series) >= self._max_series:
                key = ((OVERFLOW, ""),)
                found = series.get(key) or series.setdefault(key, Sum({OVERFLOW: True}))
            elif found is None:
                found = series[key] = Sum(dict(key))
            return found

    def add(self, metric: c.Metric, attributes: Attributes, amount: float = 1) -> None:
        """
        Add to one series.
        """
        found = self.of(metric, attributes)
        with self.lock:
            found.value += amount

    def set(self, metric: c.Metric, attributes: Attributes, value: float) -> None:
        """
        Let one series of a gauge stand at this value.
        """
        found = self.of(metric, attributes)
        with self.lock:
            found.value = value

    def value(self, metric: c.Metric, **attributes: str) -> float:
        """
        The total over the series that have these attributes, dots of their names as underscores.
        """
        wanted = attributes.items()
        return sum(
            total
            for found, total in self.totals(metric.name)
            if wanted <= {k.replace(".", "_"): v for k, v in found.items()}.items()
        )

    def totals(self, metric: str) -> list[tuple[Mapping[str, str | bool], float]]:
        """
        What one counter's series add up to now.
        """
        with self.lock:
            return [(s.attributes, s.value) for s in self._series[metric].values()]

    def restart(self) -> None:
        """
        Count from zero again, in a forked child: the parent reports what was counted before.
        """
        self.lock = threading.RLock()
        for metric in _ADDITIVE:
            for found in self._series[metric.name].values():
                found.value = 0


class Board:
    """
    All sums that one meter provider reports; each counter is registered there once.
    """

    def __init__(self, meter: Meter) -> None:
        self._sums: list[Sums] = []
        for metric in _ADDITIVE:
            create = (
                meter.create_observable_counter
                if metric.kind == "counter"
                else meter.create_observable_up_down_counter
            )
            create(metric.name, [self._reader(metric.name)], metric.unit, metric.about)
        for metric in _LEVELS:
            read = self._reader(metric.name, add=False)
            meter.create_observable_gauge(metric.name, [read], metric.unit, metric.about)

    def show(self, sums: Sums) -> None:
        """
        Report these sums too.
        """
        if all(shown is not sums for shown in self._sums):
            self._sums.append(sums)

    def _reader(
        self, metric: str, *, add: bool = True
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(_: CallbackOptions) -> Iterator[Observation]:
            totals: dict[tuple[tuple[str, str | bool], ...], float] = {}
            for sums in tuple(self._sums):
                for attributes, value in sums.totals(metric):
                    key = tuple(attributes.items())
                    totals[key] = value + (totals.get(key, 0) if add else 0)
            return (Observation(_carried(v), dict(k)) for k, v in totals.items())

        return read


def _carried(value: float) -> float:
    if isinstance(value, int):
        return min(max(value, -LARGEST), LARGEST)
    return value if math.isfinite(value) else math.copysign(1.7e308, value)


_alive: "WeakSet[Sums]" = WeakSet()
_boards: "WeakKeyDictionary[MeterProvider, Board]" = WeakKeyDictionary()
_boards_lock = threading.RLock()


def board(provider: MeterProvider, meter: Meter) -> Board:
    """
    The provider's one board: registering an observable a second time would be ignored.
    """
    with _boards_lock:
        found = _boards.get(provider)
        if found is None:
            found = _boards[provider] = Board(meter)
        return found


def _after_fork_in_child() -> None:
    global _boards_lock  # noqa: PLW0603  the inherited lock may be held by a thread left behind
    _boards_lock = threading.RLock()
    for sums in list(_alive):
        sums.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
