"""
This module is the command ``python -m otel_confidence.generate``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from otel_confidence.errors import ConfigurationError
from otel_confidence.generate.files import COMMAND, write
from otel_confidence.generate.rules import DASHBOARDS, RUNBOOKS, Links
from otel_confidence.objectives import DEFAULT_FILE


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Write or check the files; 1 when a check found a difference, 2 when nothing could be generated.
    """
    chosen = _parser().parse_args(arguments)
    try:
        objectives = chosen.objectives or _present(chosen.out / DEFAULT_FILE)
        links = Links(chosen.runbooks, chosen.dashboards)
        changed = write(chosen.out, chosen.check, links=links, objectives=objectives)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for path in changed:
        sys.stdout.write(f"{'differs' if chosen.check else 'written'}: {path}\n")
    if chosen.check and changed:
        sys.stdout.write(f"mend it with: {COMMAND}\n")
        return 1
    return 0


def _present(path: Path) -> Path | None:
    return path if path.is_file() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m otel_confidence.generate",
        description="Write the Prometheus rules and Grafana dashboards from the table of signals.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write what differs")
    what.add_argument("--check", action="store_true", help="only say what differs")
    parser.add_argument("--out", type=Path, default=Path(), help="root folder (here)")
    parser.add_argument("--objectives", type=Path, help=f"file of objectives ({DEFAULT_FILE})")
    parser.add_argument("--runbooks", default=RUNBOOKS, help="address of the runbooks' page")
    parser.add_argument("--dashboards", default=DASHBOARDS, help="address of Grafana")
    return parser


if __name__ == "__main__":
    sys.exit(main())
