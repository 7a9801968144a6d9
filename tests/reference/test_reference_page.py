"""
This module tests that the how-to on references is true.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from otel_confidence.conventions import FEATURE_STATE
from otel_confidence.testing import Capture

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "reference.md"


def test_every_example_of_the_page_holds(
    telemetry: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The examples run one after the other, and what they assert is so.
    """
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}

    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)

    assert 4 == len(blocks)
    assert {"valid": 3} == telemetry.by("ml.feature.values", "ml.feature.value.state")


def test_every_state_is_explained() -> None:
    """
    Each state a value can be in has its row.
    """
    page = PAGE.read_text()

    assert [] == [state for state in FEATURE_STATE.values if f"| `{state}` |" not in page]
