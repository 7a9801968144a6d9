"""
This module tests what the server keeps, as far as it computes anything.
"""

import numpy as np
import pytest

from otel_confidence.points import Labels, Sample, Samples, Series


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((("a", "1\xffb\xfe2"),), id="one value that spells the second label"),
        pytest.param((("a\xfe1\xffb", "2"),), id="one label that spells the first"),
        pytest.param((("a", "1b"), ("b", "2")), id="another value"),
        pytest.param((("a", "1"),), id="a label less"),
    ],
)
def test_different_labels_have_different_fingerprints(other: Labels) -> None:
    """
    No text of a label, Icelandic or broken, makes two series look like one.
    """
    assert Series((("a", "1"), ("b", "2"))).fingerprint != Series(other).fingerprint


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    """
    Labels of any script, and half of a surrogate pair, have a fingerprint that never changes.
    """
    labels = (("a", "þÿ漢😀"), ("b", "\ud800"))

    assert 4_680_335_630_366_195_436 == Series(labels).fingerprint


def test_samples_are_columns_and_rows_alike() -> None:
    """
    Rows become columns and columns rows, in their order; the series are those that occur.
    """
    one, two = Series((("a", "1"),)), Series((("a", "2"),))
    rows = [Sample(one, 5, 0.5), Sample(two, 4, -0.0), Sample(one, 3, 1e300)]

    samples = Samples.of(rows)

    assert rows == list(samples)
    assert 3 == len(samples)
    assert [5, 4, 3] == samples.times_ms.tolist()
    assert {one.fingerprint: one, two.fingerprint: two} == samples.series


def test_samples_join_in_their_order() -> None:
    """
    The parts follow one another, also none or empty ones.
    """
    one, two = Series((("a", "1"),)), Series((("a", "2"),))
    run = Samples.run(one, np.array([1, 2]), np.array([0.5, 0.25]))
    empty = Samples.run(two, np.empty(0, np.int64), np.empty(0))

    joined = Samples.joined([run, empty, Samples.of([Sample(two, 1, 9.0)])])

    assert [Sample(one, 1, 0.5), Sample(one, 2, 0.25), Sample(two, 1, 9.0)] == list(joined)
    assert [] == list(Samples.joined([]))
    assert {} == empty.series
