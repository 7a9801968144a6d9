"""This module checks otel-confidence query against a real API over a real store."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn
from click.testing import CliRunner, Result
from rich.console import Console
from starlette.applications import Starlette
from tests.ports import free_port
from tests.running import until

from otel_confidence.cli.commands import cli
from otel_confidence.cli.notation import series
from otel_confidence.cli.printing import comma_separated
from otel_confidence.points import Batch, Sample, Samples, Selection, Series
from otel_confidence.query.answers import Answer
from otel_confidence.query.promql import Engine
from otel_confidence.server.api import routes
from otel_confidence.store import Store

NOW_S = 1_800_000_000
RANGE = ("--start", str(NOW_S - 600), "--end", str(NOW_S))
HOSTILE = '[red]\x1b[31m\n,"'


def sample(name: str, value: float, age_s: float = 0, /, **labels: str) -> Sample:
    """A sample of a series by its name and labels, some seconds old."""
    named = {"__name__": name, **labels}
    return Sample(Series(tuple(sorted(named.items()))), round((NOW_S - age_s) * 1000), value)


@pytest.fixture(name="url", scope="module")
def _url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    levels = [sample("level", age % 7.0, age, job=job) for age in range(0, 600, 15) for job in "ab"]
    hostile = [sample("hostile", 1.5, text=HOSTILE), sample("named", 2.0, time="t", value="v")]
    store = Store.open(tmp_path_factory.mktemp("data"), retention_days=10_000)
    store.write(Batch(samples=Samples.of([*levels, *hostile])))
    app = Starlette(routes=routes(Engine(store, now=lambda: NOW_S), store, now=lambda: NOW_S))
    with serving(app) as url:
        yield url
    store.close()


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The address of an application that serves."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def run(url: str, *arguments: str) -> Result:
    """What the command says and how it ends."""
    return CliRunner().invoke(cli, ["query", "--url", url, *arguments])


def test_a_table_has_a_row_for_each_series(url: str) -> None:
    """
    The series in PromQL's notation, the time in UTC and the value.
    """
    done = run(url, "sum by (job) (level + 1)", "--at", "2027-01-15T08:00:00Z")

    rows = [line.split() for line in done.output.splitlines()]
    assert 0 == done.exit_code
    assert ["series", "time", "value"] == rows[0]
    assert ['{job="a"}', "2027-01-15T08:00:00.000Z", "1"] in rows


def test_a_range_is_evaluated_at_every_step(url: str) -> None:
    """
    CSV has a column for each label, and a row for each series and time.
    """
    done = run(url, "level", *RANGE, "--step", "2m", "--format", "csv")

    rows = list(csv.DictReader(done.output.splitlines()))
    assert ["time", "value", "__name__", "job"] == list(rows[0])
    assert 10 == len(rows)
    assert "2027-01-15T08:00:00.000Z" == rows[-1]["time"]


def test_labels_named_like_columns_have_columns_of_their_own(url: str) -> None:
    """
    The labels time and value are told from the sample's own.
    """
    done = run(url, "named", "--format", "csv")

    [row] = csv.DictReader(done.output.splitlines())
    assert ("2", "t", "v") == (row["value"], row["label.time"], row["label.value"])


def test_json_is_that_of_the_api(url: str) -> None:
    """
    What stands under data there.
    """
    done = run(url, "level", *RANGE, "--step", "300", "--format", "json")

    said = json.loads(done.output)
    assert "matrix" == said["resultType"]
    assert ["a", "b"] == [each["metric"]["job"] for each in said["result"]]
    assert [NOW_S, "0"] == said["result"][0]["values"][-1]


def test_a_plot_draws_the_series_and_names_them(url: str) -> None:
    """
    There is a drawing with the hours of the day, and a line for each series.
    """
    done = run(url, "level", *RANGE, "--format", "plot")

    assert 0 == done.exit_code, done.output
    assert "07:50:15" in done.output
    assert 'a level{job="a"}' in done.output
    assert 'b level{job="b"}' in done.output


@pytest.mark.parametrize(
    ("expr", "form", "name"),
    [
        ("sum(level)", "table", "{}"),
        ("sum(level)", "plot", "{}"),
        ("vector(1)", "table", "{}"),
    ],
)
def test_a_series_without_labels_has_empty_braces(
    url: str, expr: str, form: str, name: str
) -> None:
    """
    What has no label is written as PromQL writes it, in tables and below drawings.
    """
    done = run(url, expr, *RANGE, "--format", form)

    assert name in done.output.split()
    assert [] == [word for word in ("vector", "matrix", "scalar") if word in done.output]


@pytest.mark.parametrize(
    ("expr", "low", "high"),
    [
        ("time() - 1799999400", "0", "660"),
        ("vector(1)", "0.9", "1.1"),
        ("vector(0)", "0", "1"),
        ("0 - vector(1)", "-1.1", "-0.9"),
        ("1799999700 - time()", "-360", "360"),
    ],
    ids=["a counter", "a constant", "zero", "below zero", "both signs"],
)
def test_a_drawing_passes_zero_only_where_values_do(
    url: str, expr: str, low: str, high: str
) -> None:
    """
    The axis reaches a tenth past the values, but not past zero, and its numbers are short.
    """
    done = run(url, expr, *RANGE, "--format", "plot")

    ticks = [line.split("|")[0].strip() for line in done.output.splitlines() if "|" in line]
    numbers = [tick for tick in ticks if tick and not tick.startswith("---")]
    assert (high, low) == (numbers[0], numbers[-1])
    assert 8 >= max(map(len, numbers))


@pytest.mark.parametrize("form", ["table", "csv", "json", "plot"])
@pytest.mark.parametrize("expr", ["level * (0/0)", "vector(1)", "scalar(vector(2))", "nothing"])
def test_every_answer_can_be_printed(url: str, form: str, expr: str) -> None:
    """
    Numbers that are none, scalars, constants and nothing at all are no error in any format.
    """
    done = run(url, expr, *RANGE, "--format", form)

    assert 0 == done.exit_code, done.output
    assert ("no series" in done.stderr) == (expr == "nothing")


def test_a_text_is_printed_as_it_is(url: str) -> None:
    """
    PromQL's strings are answers too.
    """
    assert "hello\n" == run(url, "'hello'").output


def test_a_text_has_its_time_in_json(url: str) -> None:
    """
    As the API has it.
    """
    said = json.loads(run(url, "'a'", "--at", str(NOW_S), "--format", "json").output)

    assert {"resultType": "string", "result": [NOW_S, "a"]} == said


def test_csv_at_a_terminal_shows_what_a_terminal_would_obey() -> None:
    """
    In a file or a pipe it has the very value.
    """
    series = Selection((("text", HOSTILE),), np.array([0]), np.array([1.0]))
    answer = Answer("vector", (series,))
    written = [io.StringIO(), io.StringIO()]

    for terminal, file in zip((True, False), written, strict=True):
        comma_separated(answer, Console(file=file, force_terminal=terminal))

    assert [False, True] == ["\x1b" in file.getvalue() for file in written]
    assert r"\x1b" in written[0].getvalue()


def test_a_hostile_label_cannot_paint_the_terminal(url: str) -> None:
    """
    Escapes are shown, markup is text, and CSV and JSON keep the very value.
    """
    table = run(url, "hostile").output
    rows = csv.DictReader(run(url, "hostile", "--format", "csv").output.splitlines(keepends=True))
    data = json.loads(run(url, "hostile", "--format", "json").output)

    assert "\x1b" not in table
    assert r"[red]\x1b[31m" in table
    assert [HOSTILE] == [row["text"] for row in rows]
    assert HOSTILE == data["result"][0]["metric"]["text"]


def test_a_wrong_expression_is_shown_with_a_caret(url: str) -> None:
    """
    The line of the expression stands below the message, with a mark where it is wrong.
    """
    done = run(url, "sum(level)\n  by (job) + limitk(2, level)")

    assert 1 == done.exit_code
    lines = done.stderr.splitlines()
    assert "2:14: parse error" in lines[0]
    assert "limitk" == lines[1][lines[2].index("^") :][:6]


def test_the_sql_of_each_selector_is_explained(url: str) -> None:
    """
    One statement for each, with what came of it and its bound parameters; no value stands in it.
    """
    done = run(url, "level{job='a'} / on () group_left sum(hostile)", *RANGE, "--explain")

    assert 0 == done.exit_code, done.output
    one, other = done.output.split("\n\n")
    assert one.startswith("-- 1 series, 1 rows, ")
    assert other.startswith("-- 1 series, 1 rows, ")
    assert "SELECT fingerprint" in one
    assert "-- p3 = 'a'" in one
    assert "'a'" not in one.splitlines()[1]


def test_what_reads_no_series_has_no_sql(url: str) -> None:
    """
    A constant at one time explains itself.
    """
    assert "-- no selector, no SQL\n" == run(url, "1 + 1", "--explain", "--at", "5").output


def test_an_expression_that_is_wrong_is_not_explained(url: str) -> None:
    """
    The fault is the one of the query itself, with its mark.
    """
    done = run(url, "limitk(2, level)", "--explain")

    assert 1 == done.exit_code
    assert "^" == done.stderr.splitlines()[2].strip()


def test_a_server_without_explanations_is_said_to_have_none() -> None:
    """
    Another server's answer is no explanation.
    """
    with serving(Starlette()) as url:
        done = run(url, "up", "--explain")

    assert 1 == done.exit_code
    assert "only otel-confidence up explains" in done.stderr


def test_a_server_that_is_not_there_is_named() -> None:
    """
    The message has the address and what to do.
    """
    url = f"http://127.0.0.1:{free_port()}"
    done = run(url, "up")

    assert 1 == done.exit_code
    assert f"{url} cannot be reached" in done.stderr
    assert "--url" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--end", "5"], "--since"),
        (["--step", "5"], "--since"),
        (["--at", "5", "--since", "1h"], "--at"),
        (["--start", "5", "--since", "1h"], "--start"),
        (["--start", "5", "--end", "5"], "end after its start"),
        (["--at", "yesterday"], "yesterday"),
        (["--since", "-1h"], "-1h"),
        (["--since", "0s"], "above zero"),
        (["--url", "localhost:8050"], "no address"),
        (["--header", "nonsense"], "Name: value"),
        (["--format", "plot"], "range"),
    ],
)
def test_wrong_use_is_explained(arguments: list[str], named: str) -> None:
    """
    The status is 2 and the message names what is wrong.
    """
    done = CliRunner().invoke(cli, ["query", "up", *arguments])

    assert 2 == done.exit_code
    assert named in done.stderr


def test_names_in_utf_8_are_written_as_promql_reads_them() -> None:
    """
    A name or label that cannot stand without quotes has them.
    """
    labels = (("__name__", "my.metric"), ("a b", 'c"'), ("job", "x"))

    assert '{"my.metric","a b"="c\\"",job="x"}' == series(labels)


def test_a_terminal_that_lacks_characters_is_shown_their_escapes(url: str) -> None:
    """
    Where the terminal's encoding has no character, its escape is printed, not a traceback.
    """
    command = [sys.executable, "-m", "otel_confidence", "query", "'é日'", "--url", url]
    encoding = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(command, capture_output=True, env=encoding, timeout=240, check=False)

    assert (0, True) == (done.returncode, rb"\xe9\u65e5" in done.stdout)
