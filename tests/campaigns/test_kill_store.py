"""This module runs a small version of the campaign of kills."""

from pathlib import Path

from tests.campaigns import kill_store


def test_a_killed_store_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """
    After kills in the midst of writing, rolling up and dropping nothing is lost, twice or stale.
    """
    lines = list(kill_store.run(tmp_path / "data", times=3, seed=2))

    assert 1 == len(lines), lines
    assert lines[-1].endswith(" 0 differences")
