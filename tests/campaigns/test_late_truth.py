"""This module runs a small version of the campaign of late truth."""

from pathlib import Path

from tests.campaigns import late_truth


def test_truths_are_counted_as_numpy_does(tmp_path: Path) -> None:
    """
    Truths told late, twice and damaged, in two ways and past a kill, count exactly once each.
    """
    lines = list(late_truth.run(tmp_path, predictions=1_500, kills=1, seed=7, size=500))

    assert "server: 0 counts differ" in lines[-1]
