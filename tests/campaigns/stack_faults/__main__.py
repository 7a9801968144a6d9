"""
This module runs faults by name, all of them by default, and prints a table.

``python -m tests.campaigns.stack_faults [NAME ...]``. It takes what ``make stack-tools`` builds, a
few minutes for each fault, and nothing but loopback addresses. A fault that cannot be made here is
named with what it lacks: a disk of few megabytes takes root, a slow one strace, two gateways behind
one name a mount namespace.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.campaigns.stack_faults import alerts, answers, pipeline
from tests.campaigns.stack_faults.rows import NotRunError, Row, heading, lines

FAULTS = pipeline.FAULTS | alerts.FAULTS | answers.FAULTS
Fault = Callable[[Path], list[Row]]


def main() -> int:
    """Run the faults that are asked for; 1 where one shows what must not be."""
    parser = argparse.ArgumentParser(description="Break the running stack and count what is lost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--keep", type=Path, help="keep files and logs here")
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in FAULTS:
            parser.error(f"no fault is named {name!r}; there are {', '.join(FAULTS)}")
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        folder = Path(made) if chosen.keep is None else chosen.keep.resolve()
        return int(report(chosen.names or FAULTS, FAULTS, folder, _say) > 0)


def report(
    names: Iterable[str], faults: Mapping[str, Fault], folder: Path, say: Callable[[str], object]
) -> int:
    """
    Run faults one after the other and say what each did; how many signals are not as they must be.
    """
    say(heading())
    failed = 0
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        try:
            found = faults[name](folder / name)
        except NotRunError as error:
            say(f"  {name}: not run, {error}")
            continue
        failed += sum(row.unnoticed > 0 or bool(row.wrong) for row in found)
        say(lines(found))
    return failed


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
