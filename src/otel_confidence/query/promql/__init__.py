"""
This module is the way in to PromQL in process.
"""

from otel_confidence.query.promql.engine import Engine, Options
from otel_confidence.query.promql.evaluation import Limits
from otel_confidence.query.promql.selecting import Source

__all__ = ["Engine", "Limits", "Options", "Source"]
