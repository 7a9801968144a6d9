"""
This module offers the writing of rules and dashboards from the table of signals.
"""

from otel_confidence.generate.files import write

__all__ = ["write"]
