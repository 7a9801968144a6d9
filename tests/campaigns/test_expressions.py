"""
This module tests a short form of the campaign that compares the parser with Prometheus's.
"""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from tests.campaigns.expressions import asked, compared, drawn
from tests.programs import program


@pytest.mark.xdist_group("differential")
def test_random_texts_are_read_as_prometheus_reads_them(tmp_path: Path) -> None:
    """
    Whatever is drawn, both answer or both refuse, nearly always with the same words and place.
    """
    program("prometheus")
    texts = dict.fromkeys(drawn(300, Random(5)))

    found = Counter(compared(mine, other) for _, mine, other in asked(texts, tmp_path))
    same = found["same layout"] + found["same words, same place"]

    assert 0 == found["ONE REFUSES"]
    assert same > 0.95 * len(texts)
    assert found["same layout"] > 0
