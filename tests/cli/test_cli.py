"""This module checks what the command line says before it serves anything."""

import subprocess
import sys
from importlib.metadata import version

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from otel_confidence.cli.commands import cli, commands


def without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where a library is not installed."""
    program = (
        f"import sys; sys.modules[{module!r}] = None; import otel_confidence.cli as c; c.main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("module", "argument"),
    [("click", "--version"), ("clickhouse_connect", "up"), ("uvicorn", "up"), ("httpx", "query")],
)
def test_a_missing_library_is_one_clear_sentence(module: str, argument: str) -> None:
    """
    Without the server's libraries the command names the extra to install and ends with 2.
    """
    done = without(module, argument)

    assert 2 == done.returncode
    assert 1 == done.stderr.count("\n")
    assert module in done.stderr
    assert "pip install 'otel-confidence[server]'" in done.stderr


def test_the_version_is_said() -> None:
    """
    --version prints the installed version.
    """
    done = CliRunner().invoke(cli, ["--version"])

    assert version("otel-confidence") in done.output


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (["--version"], {"numpy", "httpx", "rich"}),
        (["--help"], {"numpy", "httpx", "rich"}),
        (["query", "up", "--url", "http://127.0.0.1:1"], set()),
        (["slo", "validate", "no-such-file.yaml"], set()),
    ],
    ids=["the version", "the list of commands", "a query", "a check"],
)
def test_no_more_is_imported_than_is_asked_for(arguments: list[str], without: set[str]) -> None:
    """
    What does not serve imports neither the engine nor the server, which takes longer than it does.
    """
    program = (
        "import sys; from otel_confidence.cli.commands import cli\n"
        "try: cli(sys.argv[1:])\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    imported = set(done.stdout.splitlines()[-1].split())

    heavy = {"chdb", "clickhouse_connect", "grpc", "plotille", "plotly", "pyarrow", "starlette"}
    ours = {f"otel_confidence.{room}" for room in ("server", "store", "ingest", "collector")}
    assert "otel_confidence.cli.commands" in imported
    assert set() == imported & (heavy | ours | without)


def test_the_list_of_commands_says_what_they_say_themselves() -> None:
    """
    --help prints of each command what it would if every command were imported for it.
    """
    imported = click.Group("cli", commands=commands())
    expected, shown = (CliRunner().invoke(group, ["--help"]).output for group in (imported, cli))

    assert expected.partition("Commands:")[2] == shown.partition("Commands:")[2] != ""


def test_a_command_that_is_unknown_is_told_apart() -> None:
    """
    What is no command is a usage error that names one that is near.
    """
    done = CliRunner().invoke(cli, ["querry"])

    assert (2, True) == (done.exit_code, "'query'" in done.output)


def test_a_shell_completes_commands_and_their_flags() -> None:
    """
    Names are completed from the list, and flags from the command itself.
    """
    completing = ShellComplete(cli, {}, "otel-confidence", "_COMPLETE")
    names = [found.value for found in completing.get_completions([], "s")]
    flags = [found.value for found in completing.get_completions(["query"], "--si")]

    assert (["slo", "store"], ["--since"]) == (names, flags)


def test_help_names_every_flag_with_its_default() -> None:
    """
    A reader of --help learns flags and defaults.
    """
    done = CliRunner().invoke(cli, ["up", "--help"])

    for text in ("--otlp-grpc-port", "4317", "4318", "8050", "35d", "--ready-file", "--insecure"):
        assert text in done.output


@pytest.mark.parametrize("retention", ["", "5", "d", "-1d", "0d", "3 days", "1m"])
def test_a_retention_that_is_no_time_is_explained(retention: str) -> None:
    """
    A wrong retention is a usage error that shows right ones.
    """
    done = CliRunner().invoke(cli, ["up", "--retention", retention])

    assert 2 == done.exit_code
    assert "36h, 15d, 8w or 1y" in done.output


def test_a_port_beyond_all_ports_is_refused() -> None:
    """
    Ports lie between 0 and 65535.
    """
    assert 2 == CliRunner().invoke(cli, ["up", "--port", "65536"]).exit_code
