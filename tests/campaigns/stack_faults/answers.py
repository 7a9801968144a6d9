"""
This module holds what a program meets at the real Collector's door: nobody, silence, or a refusal.
"""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.campaigns.stack_faults.rows import Row
from tests.campaigns.stack_faults.world import GATEWAY, Run, Setting, running

_FILE: Final = "/etc/otelcol/gateway.yaml"
AWAY_S: Final = 40.0
_HTTP: Final = "receivers.otlp.protocols.http"


def closed_port(folder: Path) -> list[Row]:
    """Nobody listens for a while."""
    with running(f"closed port, {AWAY_S:.0f} s", folder, Setting()) as run:
        run.begin()
        run.breaks()
        run.stack.stop(GATEWAY)
        run.wait(AWAY_S)
        run.stack.restart(GATEWAY)
        run.heals()
        return run.rows(run.end())


def silence(folder: Path) -> list[Row]:
    """The Collector takes connections and answers nothing for a while."""
    with running(f"silent accept, {AWAY_S:.0f} s", folder, Setting()) as run:
        run.begin()
        run.breaks()
        run.stack.signal(GATEWAY, signal.SIGSTOP)
        run.wait(AWAY_S)
        run.stack.signal(GATEWAY, signal.SIGCONT)
        run.heals()
        return run.rows(run.end())


def too_large(folder: Path) -> list[Row]:
    """The Collector takes two kilobytes at once; to more it answers 400, not 413."""
    settings = {f"+{_HTTP}.max_request_body_size": 2_000}
    return _refused("requests too large, all the time", folder, settings)


def unauthorized(folder: Path) -> list[Row]:
    """The Collector asks for a token, as secure.yaml lets it; the program has none."""
    tokens = folder / "tokens"
    tokens.write_text("the-token\n")
    settings = {
        "+extensions.bearertokenauth": {"filename": str(tokens)},
        f"+{_HTTP}.auth": {"authenticator": "bearertokenauth"},
        "service.extensions": [
            "health_check",
            "file_storage/queue",
            "file_storage/traces",
            "bearertokenauth",
        ],
    }
    return _refused("401, all the time", folder, settings)


def _refused(name: str, folder: Path, settings: Mapping[str, Any]) -> list[Row]:
    with running(name, folder, Setting(settings)) as run:
        run.breaks()
        run.begin()
        run.heals()
        found = run.rows(run.end())
        found[0].note = _said(run)
        return found


def _said(run: Run) -> str:
    """What the first program said in its log."""
    return (run.folder / "0.log").read_text().replace("\n", " / ")[:400]


FAULTS: Final[dict[str, Callable[[Path], list[Row]]]] = {
    "closed-port": closed_port,
    "silence": silence,
    "too-large": too_large,
    "unauthorized": unauthorized,
}
