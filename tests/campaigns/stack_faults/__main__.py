"""
This module runs faults by name, all of them by default, and prints a table.

``python -m tests.campaigns.stack_faults [NAME ...]``. It takes what ``make stack-tools`` builds, a
few minutes for each fault, and nothing but loopback addresses.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.campaigns.stack_faults import alerts, answers, pipeline
from tests.campaigns.stack_faults.rows import heading, lines

FAULTS = pipeline.FAULTS | alerts.FAULTS | answers.FAULTS


def main() -> int:
    """Run the faults that are asked for; 1 where something is missing that nobody counted."""
    parser = argparse.ArgumentParser(description="Break the running stack and count what is lost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--keep", type=Path, help="keep files and logs here")
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in FAULTS:
            parser.error(f"no fault is named {name!r}; there are {', '.join(FAULTS)}")
    sys.stdout.write(f"{heading()}\n")
    missing = 0
    for name in chosen.names or FAULTS:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as made:
            folder = Path(made) if chosen.keep is None else chosen.keep / name
            folder.mkdir(parents=True, exist_ok=True)
            found = FAULTS[name](folder)
        missing += sum(row.missing > 0 for row in found)
        sys.stdout.write(f"{lines(found)}\n")
        sys.stdout.flush()
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
