"""This module checks the reference page of every signal."""

import re
from pathlib import Path

from otel_confidence import conventions as c
from otel_confidence.generate.reference import RESERVED, signals_page

SOURCES = Path(c.__file__).parent


def test_reserved_names_are_those_that_nothing_uses() -> None:
    """
    A signal is marked as reserved exactly as long as no module but those that ask for it names it.
    """
    asking = (SOURCES / "conventions.py", SOURCES / "expressions.py", SOURCES / "generate")
    code = "\n".join(
        path.read_text()
        for path in SOURCES.rglob("*.py")
        if not any(path == each or each in path.parents for each in asking)
    )
    unused = {
        signal
        for name, signal in vars(c).items()
        if isinstance(signal, (c.Metric, c.Attribute, c.Event))
        and not re.search(rf"\b{name}\b", code)
    }

    assert unused == RESERVED


def test_reserved_names_are_marked_on_the_page() -> None:
    """
    The page says of each reserved name that it is one.
    """
    page = signals_page("a command")

    assert len(RESERVED) == page.count("*Reserved.*")
