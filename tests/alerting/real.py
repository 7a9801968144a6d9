"""This module starts a real Alertmanager, and asks its command ``amtool``."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from tests.programs import program
from tests.running import until

_LISTENS: Final = re.compile(r"Listening on.* address=(127\.0\.0\.1:\d+)")
"""Where it says which of the free ports it got."""


@contextmanager
def alertmanager_at(folder: Path) -> Iterator[str]:
    """The address of an Alertmanager that runs for as long as the block lasts."""
    (folder / "a.yml").write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    command = [
        str(program("alertmanager")), f"--config.file={folder / 'a.yml'}",
        f"--storage.path={folder / 'a'}", "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    ]  # fmt: skip
    log = folder / "a.log"
    with log.open("wb") as said, subprocess.Popen(command, stderr=said) as process:
        try:
            until(lambda: _LISTENS.search(log.read_text()) or process.poll() is not None)
            found = _LISTENS.search(log.read_text())
            assert found, log.read_text()
            url = f"http://{found[1]}"
            until(_answers(url))
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return httpx.get(f"{url}/-/ready").is_success
        except httpx.TransportError:
            return False

    return answers


def amtool(*arguments: str) -> str:
    """What amtool says to a command that succeeds."""
    run = subprocess.run(
        [program("amtool"), *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert 0 == run.returncode, run.stdout + run.stderr
    return run.stdout
