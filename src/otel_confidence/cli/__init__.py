"""
This module is the command line's way in.
"""

import sys


def main() -> None:
    """
    Run the command line; without its libraries, say how to install them and end with status 2.
    """
    try:
        from otel_confidence.cli.commands import cli
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "otel_confidence":
            raise
        sys.stderr.write(
            f"otel-confidence: the command line needs {missing.name!r}, "
            "which is not installed: pip install 'otel-confidence[server]'\n"
        )
        sys.exit(2)
    cli()
