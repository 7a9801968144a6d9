"""This module starts a real Alertmanager, and asks its command ``amtool``."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.running import until
from tools import stack_tools

from otel_confidence.server.ports import listen


def program(name: str) -> Path:
    """``alertmanager`` or ``amtool``, as ``tools/stack_tools.py`` leaves it."""
    (service,) = [each for each in stack_tools.SERVICES if each.name == "alertmanager"]
    binaries = service.binaries(stack_tools.tools_folder())
    path = next(each for each in binaries if each.name.startswith(name))
    if not path.exists():
        reason = f"no {name}: run make stack-tools"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return path


@contextmanager
def alertmanager_at(folder: Path) -> Iterator[str]:
    """The address of an Alertmanager that runs for as long as the block lasts."""
    (folder / "a.yml").write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    with listen("127.0.0.1", 0, "port") as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        str(program("alertmanager")), f"--config.file={folder / 'a.yml'}",
        f"--storage.path={folder / 'a'}", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=", "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until(_answers(url))
        yield url
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
        [program("amtool"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == run.returncode, run.stdout + run.stderr
    return run.stdout
