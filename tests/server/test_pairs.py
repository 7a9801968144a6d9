"""This module tests that many samples are written as each one alone is."""

import numpy as np
import pytest

from otel_confidence.points import Selection
from otel_confidence.query.numbers import json_number, json_time
from otel_confidence.server.api.pairs import joined

_CHANCE = np.random.default_rng(5)
_VALUES = {
    "any bits": _CHANCE.integers(0, 2**63, 5_000, dtype=np.uint64).view(np.float64),
    "fractions": _CHANCE.random(2_000) * 100 - 50,
    "whole numbers": _CHANCE.integers(0, 10**12, 2_000).astype(np.float64),
    "powers of ten": 10.0 ** np.arange(-30, 30),
    "odd ones": np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 9999999999.5, 1e-6, 9.99e-7]),
}


@pytest.mark.parametrize("kind", sorted(_VALUES))
@pytest.mark.parametrize("step_ms", [1_000, 777])
def test_samples_are_written_alike_together_and_alone(kind: str, step_ms: int) -> None:
    """
    Times and values have the same text, whichever way they are written.
    """
    values = np.tile(_VALUES[kind], 20)
    times = 1_790_000_000_000 + np.arange(len(values)) * step_ms

    (text,) = joined([Selection((), times, values)])

    pairs = zip(times.tolist(), values.tolist(), strict=True)
    assert ",".join(f'[{json_time(at)},"{json_number(value)}"]' for at, value in pairs) == text


@pytest.mark.parametrize("more", [0, 500])
def test_each_series_has_its_own_text(more: int) -> None:
    """
    Series come apart again in their order, those without samples too, few as many of them.
    """
    series = [
        Selection((), np.arange(count) * 1_000, np.full(count, float(count)))
        for count in (2, 0, 1, more)
    ]

    texts = list(joined(series))

    assert ['[0,"2"],[1,"2"]', "", '[0,"1"]'] == texts[:3]
    assert more == texts[3].count("[")


def test_nothing_is_written_of_nothing() -> None:
    """
    Without series there is no text.
    """
    assert [] == list(joined([]))
