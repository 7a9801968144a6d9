"""
The embedded ClickHouse and what is kept in it.
"""

from otel_confidence.store.engine import Store

__all__ = ["Store"]
