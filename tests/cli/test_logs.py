"""
This module checks how a serving process logs.
"""

import logging
import re

import pytest

from otel_confidence.cli.logs import logged

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z ")


def test_a_line_has_time_level_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    """
    What is logged while it serves begins with the time in UTC and the level; afterwards nothing is.
    """
    ours, another = logging.getLogger("otel_confidence.store"), logging.getLogger("library")
    handlers = logging.getLogger().handlers[:]
    with logged():
        ours.info("dropped a day")
        ours.debug("unseen")
        another.info("unseen")
        another.warning("odd")

    lines = capsys.readouterr().err.splitlines()
    assert ["INFO    otel_confidence.store: dropped a day", "WARNING library: odd"] == [
        MOMENT.sub("", line) for line in lines
    ]
    assert all(MOMENT.match(line) for line in lines)
    assert handlers == logging.getLogger().handlers
