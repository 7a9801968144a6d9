"""
This module tests what the server keeps, as far as it computes anything.
"""

import pytest

from otel_confidence.points import Labels, Series


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
