"""This module tests that the examples of the how-to on tracking hold."""

import re
from pathlib import Path
from typing import Any

from otel_confidence.testing import Capture

PAGE = Path(__file__).parents[3] / "docs/how-to/tracking.md"


def test_every_example_of_tracking_holds(telemetry: Capture) -> None:
    """
    The examples run one after the other; what they assert is so, and they record what they say.
    """
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}

    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)

    assert {"digits": 1, "scorer": 1, "small": 3, "large": 3, "rows": 2} == telemetry.by(
        "ml.predictions", "ml.model.name"
    )
    assert {"correct": 2} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")
