"""
This module tests how labels of whole frames change.
"""

import pytest

from otel_confidence.points import Labels
from otel_confidence.query.promql.frames import unnamed

PLAIN: Labels = (("__name__", "a_total"), ("model", "m"))


@pytest.mark.parametrize(
    ("labels", "left"),
    [
        (PLAIN, (("model", "m"),)),
        ((("__name__", "a"),), ()),
        ((), ()),
        ((("model", "m"),), (("model", "m"),)),
        ((("A", "1"), ("__name__", "a")), (("A", "1"),)),
        ((("__name__", "a"), ("__type__", "gauge"), ("__unit__", "s")), ()),
        ((("__name__", "a"), ("__om__", "1"), ("__unit__", "s")), (("__om__", "1"),)),
        ((("__name__", "a"), ("__v__", "1"), ("b", "2")), (("__v__", "1"), ("b", "2"))),
    ],
)
def test_what_describes_a_metric_goes_from_every_row(labels: Labels, left: Labels) -> None:
    """
    Name, type and unit go, wherever they stand, and whatever the other rows look like.
    """
    assert [left] == unnamed([labels])
    assert [(("model", "m"),), left] == unnamed([PLAIN, labels])
