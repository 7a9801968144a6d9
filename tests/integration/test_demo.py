"""This module runs the demo as a newcomer does."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from examples.digits import __main__ as demo

ROOT = Path(__file__).parent.parent.parent
DEMO = [sys.executable, "-m", "examples.digits"]


def environment(**variables: str) -> dict[str, str]:
    """
    This process's variables, without a width of the terminal.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return {**inherited, **variables}


def test_demo_ends_by_itself_and_agrees_with_its_ledger() -> None:
    """
    A short demo prints what was sent beside what the API says, agrees in each phase, and exits 0.

    What it prints fits into a terminal of 80 columns.
    """
    done = subprocess.run(
        DEMO, cwd=ROOT, env=environment(DEMO_SECONDS="24"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    assert 3 == done.stdout.count(" yes ")
    assert "Traceback" not in done.stdout + done.stderr
    assert [] == [line for line in done.stdout.splitlines() if len(line) > 80]


def test_demo_that_is_interrupted_early_is_no_failure() -> None:
    """
    Ctrl-C in the first phase ends everything with status 0, and without empty tables.
    """
    with subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("healthy:"):
                process.send_signal(signal.SIGINT)
        status = process.wait()

    text = "".join(said)
    assert 0 == status, text
    assert "Stopped." in text
    assert "nothing to compare" in text
    assert "went wrong" not in text


def test_a_port_taken_after_it_was_looked_at_is_left_to_who_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Two demos started at once both find the usual port free; the second one takes another.
    """
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # does not listen: whoever looks finds the port free
        monkeypatch.setattr(demo, "PORT", other.getsockname()[1])

        with demo._server(tmp_path, []) as server:
            answer = httpx.get(f"{server['http']}/-/healthy")

    assert answer.is_success
    assert not server["http"].endswith(f":{demo.PORT}")


@pytest.mark.parametrize("seconds", ["abc", "5", "-1", "nan", "inf"])
def test_a_length_that_is_none_is_explained(seconds: str) -> None:
    """
    A wrong DEMO_SECONDS is one sentence, before anything is started.
    """
    done = subprocess.run(
        DEMO, cwd=ROOT, env=environment(DEMO_SECONDS=seconds), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert 1 == done.returncode
    assert "" == done.stdout
    assert done.stderr.startswith("DEMO_SECONDS must be a number of seconds from 15, or 0")
    assert repr(seconds) in done.stderr
