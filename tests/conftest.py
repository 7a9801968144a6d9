"""This module brings the library's own pytest plugin to its tests."""

pytest_plugins = ["otel_confidence.testing"]
