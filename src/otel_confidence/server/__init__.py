"""
The one process of ``otel-confidence up``.
"""
