"""This module checks how faults of the stack are counted and told, without a stack."""

from collections import Counter
from pathlib import Path

import pytest
from tests.campaigns.stack_faults.__main__ import report
from tests.campaigns.stack_faults.alerts import told_times
from tests.campaigns.stack_faults.pipeline import able
from tests.campaigns.stack_faults.rows import NotRunError, Row, heading


def test_a_fault_that_cannot_be_made_is_named_and_the_others_run(tmp_path: Path) -> None:
    """
    What a fault lacks is said in its place, and what comes after it is run.
    """

    def lacking(_: Path) -> list[Row]:
        able("nobody can", "no-such-program")
        raise AssertionError

    said: list[str] = []
    unnoticed = report(
        ["lacking", "well"],
        {"lacking": lacking, "well": lambda _: [Row("a fault", "metrics", 3, 3)]},
        tmp_path,
        said.append,
    )

    assert 0 == unnoticed
    assert [
        heading(),
        "  lacking: not run, nobody can: no-such-program is not installed",
        "| a fault | metrics | 3 | 3 | 0 | 0 | 0 | 0 |  |  |",
    ] == said


def test_what_a_fault_needs_is_named_with_its_path() -> None:
    """
    A service is started by a program's path alone.
    """
    assert Path(able("it is everywhere", "sh", "-c", "true")).is_absolute()


def test_what_a_command_says_is_why_a_fault_is_not_run() -> None:
    """
    A command that fails is quoted.
    """
    with pytest.raises(NotRunError, match="it fails: not permitted"):
        able("it fails", "sh", "-c", "echo not permitted >&2; exit 1")


def test_what_nobody_knows_of_makes_the_campaign_fail(tmp_path: Path) -> None:
    """
    What is missing counts where every flush() said that all had arrived, and is shown in any case.
    """
    known = Row("known", "metrics", 10, 7, flushed=False)
    unknown = Row("unknown", "metrics", 10, 7)
    counted = Row("counted", "spans", 10, 7, by_sdk=Counter({"export_failed": 3}))
    more = Row("counted, and stored all the same", "spans", 10, 9, by_sdk=Counter(export_failed=3))
    rows = [known, unknown, counted, more]

    assert [3, 3, 0, -2] == [row.missing for row in rows]
    assert 1 == report(["all"], {"all": lambda _: rows}, tmp_path, lambda _: None)
    assert "flush() is False" in known.cells()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (told_times("once", 1), ""),
        (told_times("twice", 2), "told 2 times instead of 1"),
        (told_times("of what is inhibited", 3, at_most=0, at_least=0), "told 3 times instead of 0"),
        (told_times("never", 0), ""),
    ],
    ids=lambda each: each.fault if isinstance(each, Row) else "",
)
def test_whoever_is_told_too_often_or_never_makes_the_campaign_fail(
    tmp_path: Path, row: Row, said: str
) -> None:
    """
    A notification that is missing, told again or of something inhibited is a failure with a reason.
    """
    lines: list[str] = []
    failed = report(["told"], {"told": lambda _: [row]}, tmp_path, lines.append)

    assert said == row.wrong
    assert (0 if row.fault == "once" else 1) == failed
    assert bool(said) == ("WRONG" in lines[-1])
