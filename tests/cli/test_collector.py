"""
This module checks otel-confidence collector validate.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.collector.configurations import GOOD
from tests.programs import program

from otel_confidence.cli.commands import cli

ERROR = "exporters:\n  otlp_http/loki: {endpoint: '${env:NOWHERE}'}\n"
WARNING = "exporters:\n  otlp_http/loki: {retry_on_failure: {max_elapsed_time: 9s}}\n"


def validated(folder: Path, *texts: str, binary: Path | None = None, path: str = "") -> Result:
    """
    What the command says of files with these texts, with nothing on the PATH unless given.
    """
    files = [folder / f"{number}.yaml" for number, _ in enumerate(texts)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    own = ["--binary", str(binary)] if binary else []
    arguments = ["collector", "validate", *map(str, files), *own]
    return CliRunner().invoke(cli, arguments, env={"PATH": path, "NOWHERE": None})


def collector(folder: Path, script: str) -> Path:
    """
    A program in the place of a Collector.
    """
    path = folder / "otelcol-of-mine"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_whole_configuration_ends_with_success(tmp_path: Path) -> None:
    """
    Without a fault the command says so, and that no Collector was asked.
    """
    told = validated(tmp_path, GOOD)

    assert (0, "0 errors, 0 warnings\n") == (told.exit_code, told.stdout)
    assert "no otelcol* on the PATH" in told.stderr


def test_an_error_ends_with_status_1_and_tells_the_remedy(tmp_path: Path) -> None:
    """
    An error is told with file, line and keys, and what would mend it on the next line.
    """
    told = validated(tmp_path, GOOD, ERROR)
    where = f"{tmp_path}/1.yaml:2: error: exporters.otlp_http/loki.endpoint"

    assert 1 == told.exit_code
    assert [
        f"{where}: the variable NOWHERE is unset, nothing would stand in its place",
        "    set it, or give a default: ${env:NOWHERE:-…}",
        "1 error, 0 warnings",
    ] == told.stdout.splitlines()


def test_warnings_alone_end_with_success(tmp_path: Path) -> None:
    """
    A warning is told and does not fail.
    """
    told = validated(tmp_path, GOOD, WARNING)

    assert 0 == told.exit_code
    assert "0 errors, 1 warning" == told.stdout.splitlines()[-1]


@pytest.mark.parametrize("on_path", [True, False], ids=["on the PATH", "by --binary"])
def test_a_collector_is_asked_too(tmp_path: Path, *, on_path: bool) -> None:
    """
    A Collector's own complaint is an error under the program's name, with all files in their order.
    """
    own = collector(tmp_path, 'echo "Error: I dislike $*" >&2; exit 1')
    told = (
        validated(tmp_path, GOOD, "", path=str(tmp_path))
        if on_path
        else validated(tmp_path, GOOD, "", binary=own)
    )

    assert 1 == told.exit_code
    assert (
        f"{own}: error: I dislike validate --config={tmp_path}/0.yaml --config={tmp_path}/1.yaml"
        == told.stdout.splitlines()[0]
    )


@pytest.mark.parametrize(
    ("binary", "message"),
    [
        ("absent", "cannot be run: No such file or directory"),
        ("0.yaml", "cannot be run: Permission denied"),
    ],
)
def test_a_program_that_cannot_be_run_is_told_of(tmp_path: Path, binary: str, message: str) -> None:
    """
    A wrong --binary is an error, never taken for a Collector without complaints.
    """
    told = validated(tmp_path, GOOD, binary=tmp_path / binary)

    assert 1 == told.exit_code
    assert message in told.stdout


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", ""), ("exporters: {otlp_http/loki: {endpont: x}}\n", "has invalid keys: endpont")],
    ids=["whole", "misspelled"],
)
def test_the_real_collector_agrees(tmp_path: Path, text: str, complaint: str) -> None:
    """
    A configuration without fault is one for the Collector too, and what only it knows is told.
    """
    own = program("otelcol-confidence")
    told = validated(tmp_path, GOOD, text, binary=own)

    assert int(bool(complaint)) == told.exit_code
    assert complaint in told.stdout


def test_a_file_that_is_not_given_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without FILES, the gateway below the working folder is checked.
    """
    monkeypatch.chdir(tmp_path)
    told = validated(tmp_path)

    assert 1 == told.exit_code
    assert "collector/gateway.yaml: error: cannot be read" in told.stdout
