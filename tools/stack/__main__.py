"""
This module is ``make stack``: the whole stack natively, until Ctrl-C.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from urllib.parse import urlsplit

from otel_confidence.doctor.services import METRICS, SERVICES, Addresses
from tools.stack.errors import StackError
from tools.stack.plan import COMPOSE, Wishes
from tools.stack.stack import Stack

_GATEWAY = "otel-gateway"
_STEP_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the stack until Ctrl-C or SIGTERM; 1 where something ended by itself or never started.
    """
    chosen = parser().parse_args(arguments)
    # Both: a shell that starts a program in the background has it ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    kept = nullcontext(chosen.folder) if chosen.folder else TemporaryDirectory(prefix="stack-")
    with kept as folder:
        try:
            return _run(Path(folder), wished(chosen, os.environ))
        except StackError as error:
            _say(f"The stack did not start: {error}")
            return 1


def wished(chosen: argparse.Namespace, environment: Mapping[str, str]) -> Wishes:
    """
    What the command line and the environment's variables ask for.
    """
    return Wishes(
        files=[COMPOSE, *chosen.file], profiles=chosen.profile, variables=environment,
        stand_ins=chosen.stand_ins,
    )  # fmt: skip


def _run(folder: Path, wishes: Wishes) -> int:
    fallen: list[str] = []
    try:
        _say("Starting what docker-compose.yml says, natively ...")
        with Stack.started(folder, wishes, say=_say) as stack:
            fallen = stack.fallen
            _say(described(stack))
            while True:
                # In steps: a signal that comes just before a wait without an end would not end it.
                time.sleep(_STEP_S)
    except KeyboardInterrupt:
        _say("Ended.")
    return 1 if fallen else 0


def described(stack: Stack) -> str:
    """
    What runs where, what stands in for what, and what to do next.
    """
    lines = [""]
    for name, start in stack.plan.starts.items():
        ports = ", ".join(
            f"{start.address}:{p.number}{'/udp' if p.protocol == 'udp' else ''}"
            for p in start.service.ports
        )
        what = start.program.path or f"{start.program.why}; a recorder keeps what arrives"
        lines += [f"  {name:14}{ports}", f"  {'':14}{what}"]
    for name, why in stack.plan.absent.items():
        lines += [f"  {name:14}left out: {why}"]
    endpoint = stack.url(_GATEWAY, 4318)
    folder = next(iter(stack.plan.starts.values())).log.parent
    return "\n".join(
        [
            *lines,
            "",
            f"  Logs and files: {folder}",
            f"  Send to it:     export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}",
            f"  Check it:       {' '.join(doctor(stack))}",
            f"  Look at it:     {stack.url('prometheus', 9090)}, {stack.url('alertmanager', 9093)}",
            "",
            "Ctrl-C ends it.",
        ]
    )


def doctor(stack: Stack) -> list[str]:
    """
    The doctor's command for a stack, as its addresses are not the usual ones.
    """
    asked = [(f"--{METRICS.field}", METRICS.compose), ("--gateway", METRICS.compose)]
    asked += [(f"--{service.field}", service.compose) for service in SERVICES]
    words = ["otel-confidence", "doctor", "--stack"]
    for option, name in asked:
        port = urlsplit(getattr(Addresses(), option[2:])).port or 0
        words += [option.replace("_", "-")]
        words += [stack.url(name, port) if name in stack.plan.starts else "none"]
    return words


def parser() -> argparse.ArgumentParser:
    """
    What the command line takes.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.stack",
        description="Run the services of docker-compose.yml natively, each at its own address.",
    )
    parser.add_argument("--folder", type=Path, help="keep files and logs here")
    parser.add_argument(
        "--file", type=Path, action="append", default=[], help="a compose file on top"
    )
    parser.add_argument("--profile", action="append", default=[], help="a profile, such as demo")
    parser.add_argument(
        "--stand-ins",
        action="store_true",
        help="recorders for Tempo and Loki and no Grafana, whatever is on PATH",
    )
    return parser


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
