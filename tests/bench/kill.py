"""This module kills a loaded server again and again and looks what it kept of what it acknowledged.

Run it by ``python -m tests.bench.kill --times 20``.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.load import Load, rounds
from tests.running import start


def main() -> None:
    """Print a line for each kill; status 1 if an acknowledged point was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    asked = parser.parse_args()
    wrong = 0
    sys.stdout.write(" kill  acknowledged       found  restart s\n")
    with tempfile.TemporaryDirectory() as folder:
        up, load = start(Path(folder) / "data"), Load()
        for kill, (acknowledged, found, restart_s) in enumerate(rounds(up, load, asked.times), 1):
            wrong += acknowledged != found
            sys.stdout.write(f"{kill:5} {acknowledged:13,} {found:11,} {restart_s:10.2f}\n")
            sys.stdout.flush()
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
