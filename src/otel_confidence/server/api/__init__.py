"""
This module is the way in to the Prometheus HTTP API.
"""

from otel_confidence.server.api.router import routes

__all__ = ["routes"]
