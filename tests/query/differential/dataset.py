"""
This module makes the samples on which two query engines are compared: every oddity there is.
"""

import math
import random
from collections.abc import Callable

import numpy as np

from otel_confidence.points import Batch, Labels, Samples, Selection, Series

START_S = 1_790_000_000
"""The first sample; a multiple of ten seconds, so that grids meet samples at window edges."""
LENGTH_S = 3000
STALE = float(np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)[0])
BOUNDS = ("0.1", "0.5", "1", "2.5", "+Inf")
ZONED = 3
"""How many of five series have a zone."""
Value = Callable[[int], float | None]
"""The value of a sample by its number; none leaves it out."""


def labels(name: str, **rest: str) -> Labels:
    """
    A series' labels; an empty value is no label.
    """
    pairs = {"__name__": name, **rest}
    return tuple(sorted((key, value) for key, value in pairs.items() if value))


class Recorder:
    """
    Writes series down, with a random generator of its own.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.series: list[Selection] = []

    def add(self, which: Labels, value: Value, *, step_s: float = 15, jitter_s: float = 0) -> None:
        """
        One series of samples at an interval, each moved by up to the jitter.
        """
        points = []
        for number in range(int(LENGTH_S / step_s)):
            drawn = value(number)
            moved = self.random.uniform(0, jitter_s)
            if drawn is not None:
                points.append((round((START_S + number * step_s + moved) * 1000), drawn))
        times, values = zip(*points, strict=True)
        self.series.append(Selection(which, np.array(times), np.array(values, dtype=np.float64)))

    def counter(self, *, resets: float, gaps: float, whole: bool = False) -> Value:
        """
        A counter that resets and misses samples with some probability.
        """
        total = 0.0

        def value(_: int) -> float | None:
            nonlocal total
            if self.random.random() < resets:
                total = 0.0
            total += self.random.randrange(20) if whole else self.random.uniform(0, 10)
            return None if self.random.random() < gaps else total

        return value

    def gauge(self, *, scale: float, odd: float, gaps: float, stale: float) -> Value:
        """
        A gauge that is at times NaN, infinite, negative zero, missing or stale.
        """

        def value(_: int) -> float | None:
            if self.random.random() < gaps:
                return None
            if self.random.random() < stale:
                return STALE
            if self.random.random() < odd:
                return self.random.choice([math.nan, math.inf, -math.inf, -0.0, 0.0, 1e300, 1e-300])
            return self.random.gauss(0, scale)

        return value


def recorded(seed: int = 7) -> list[Selection]:
    """
    All series, in the order of their labels.
    """
    book = Recorder(seed)
    _counters(book)
    _gauges(book)
    _histograms(book)
    _oddities(book)
    return sorted(book.series, key=lambda each: each.labels)


def _counters(book: Recorder) -> None:
    for i in "0123":
        for j in "ab":
            value = book.counter(resets=0.02, gaps=0.05, whole=j == "a")
            book.add(labels("c_total", i=i, j=j), value, jitter_s=float(i) * 3)
    book.add(labels("lone_total", i="0"), book.counter(resets=0.3, gaps=0.5))


def _gauges(book: Recorder) -> None:
    for i in "012":
        book.add(labels("g", i=i, j="a"), book.gauge(scale=100, odd=0, gaps=0.1, stale=0.02))
        odd = book.gauge(scale=1, odd=0.3, gaps=0.2, stale=0.05)
        book.add(labels("odd", i=i, j="b"), odd, jitter_s=14)
    for number in range(5):
        book.add(labels("distinct", i=str(number)), _around(10.0 * number, book.random))
        book.add(
            labels("one", i=str(number), zone="z" if number < ZONED else ""), _constant, step_s=60
        )
    for number in range(3):
        book.add(labels("level", i=str(number), j="a"), _steps(number + 2))


def _around(middle: float, chance: random.Random) -> Value:
    return lambda _: middle + chance.gauss(0, 1e-3)


def _constant(_: int) -> float:
    return 1.0


def _steps(height: int) -> Value:
    return lambda number: float(number // 8 % height)


def _raised(value: Value, by: float) -> Value:
    def raised(number: int) -> float | None:
        drawn = value(number)
        return None if drawn is None else drawn + by

    return raised


def _between(first: int, last: int) -> Value:
    return lambda number: float(number) if first <= number < last else None


def _histograms(book: Recorder) -> None:
    for job in "xyz":
        for position, bound in enumerate(BOUNDS):
            if (job, bound) != ("y", "1"):
                value = book.counter(resets=0.01 * (job == "z"), gaps=0.02)
                book.add(labels("h_bucket", job=job, le=bound), _raised(value, 200.0 * position))
    for bound in ("-1", "0", "1.0", "1", "broken", "Inf"):
        book.add(labels("n_bucket", le=bound), lambda number: float(number % 7))


def _oddities(book: Recorder) -> None:
    book.add(labels("my.metric", **{"label.é": "ü", "i": "0"}), _between(0, 200))
    book.add(labels("level", i="3", j="b"), lambda number: 0.0 if number % 2 else -0.0)
    book.add(labels("single"), _between(40, 41))
    book.add(labels("brief", i="1"), _between(0, 3))
    book.add(labels("moved", i="0", instance="p"), _between(0, 100))
    book.add(labels("moved", i="0", instance="q"), _between(100, 200))
    book.add(labels("epoch", i="0"), lambda number: START_S + 86_400.0 * 40 * number)


def late(series: list[Selection]) -> list[Selection]:
    """
    The samples of the last ten minutes again, which a sender repeats that heard no answer.
    """
    found = []
    for each in series:
        last = each.times_ms > (START_S + LENGTH_S - 600) * 1000
        if last.any():
            found.append(Selection(each.labels, each.times_ms[last], each.values[last]))
    return found


def batch(series: list[Selection]) -> Batch:
    """
    The series as a store takes them.
    """
    return Batch(
        Samples.joined(
            [Samples.run(Series(each.labels), each.times_ms, each.values) for each in series]
        )
    )
