"""
This module makes ``python -m otel_confidence`` the command line.
"""

from otel_confidence.cli import main

if __name__ == "__main__":
    main()
