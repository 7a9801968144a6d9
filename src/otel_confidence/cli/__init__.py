"""
This module is the command line's way in.
"""

import sys
from io import TextIOWrapper

from otel_confidence.errors import MissingExtraError


def main() -> None:
    """
    Run the command line; without its libraries, say how to install them and end with status 2.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # What a terminal has no character for is shown as its escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from otel_confidence.cli.commands import cli

        cli()
    except MissingExtraError as missing:
        sys.exit(_refused(str(missing)))
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "otel_confidence":
            raise
        need = MissingExtraError(f"the command line needs {missing.name!r}", "server")
        sys.exit(_refused(str(need)))


def _refused(why: str) -> int:
    sys.stderr.write(f"otel-confidence: {why}\n")
    return 2
