"""
This module tests that the examples of the how-to on extraction hold.
"""

import re
from pathlib import Path
from typing import Any

from otel_confidence.sdk.extract import extracted

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "extraction.md"


def test_every_example_holds() -> None:
    """
    The examples run one after the other, and what they assert is so.
    """
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}

    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)

    assert 12 <= len(blocks)


def test_every_reason_is_explained() -> None:
    """
    Each reason a confidence can be refused for stands in the page's table.
    """
    reasons = {v for k, v in vars(extracted).items() if k.isupper() and isinstance(v, str)}

    page = PAGE.read_text()

    assert [] == [r for r in sorted(reasons) if f"| `{r}" not in page]
