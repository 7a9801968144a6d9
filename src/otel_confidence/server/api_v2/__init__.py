"""
This module is the way in to Alertmanager's HTTP API, of which ``amtool`` and Grafana make use.
"""

from otel_confidence.server.api_v2.router import routes

__all__ = ["routes"]
