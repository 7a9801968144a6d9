"""
This module checks that what is asked of a Collector's files holds in the project's own.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.test_stack_programs import COMBINATIONS

from otel_confidence.collector import check

FILES = Path(__file__).parent.parent.parent / "collector"
SET: Mapping[str, str] = {"CLICKHOUSE_PASSWORD": "-"}


@pytest.mark.parametrize(
    "names",
    [*COMBINATIONS, ("gateway", "scale", "extras"), ("gateway", "secure", "scale", "extras")],
    ids=" ".join,
)
def test_our_own_files_are_without_fault(names: tuple[str, ...]) -> None:
    """
    What is checked in others' files holds in ours.
    """
    assert [] == check([FILES / f"{name}.yaml" for name in names], SET)


def test_two_overlays_go_together_as_the_page_says(tmp_path: Path) -> None:
    """
    Debugging a secured gateway needs the list of extensions that the page on Collectors shows.
    """
    files = [FILES / f"{name}.yaml" for name in ("gateway", "secure", "debug")]
    page = (FILES.parent / "docs" / "how-to" / "collector.md").read_text()
    (shown,) = re.findall(
        r"^```yaml\n(service:\n  extensions: .*?)^```", page, re.DOTALL | re.MULTILINE
    )
    extras = tmp_path / "extras.yaml"
    extras.write_text(shown)
    alone = [each.message for each in check(files, SET) if "is not started" in each.message]

    assert ["the extension 'bearertokenauth' is not started"] * 2 == alone
    assert [] == check([*files, extras], SET)
