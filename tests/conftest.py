"""This module brings the library's own pytest plugin to its tests, and times none of them."""

from hypothesis import settings

pytest_plugins = ["otel_confidence.testing"]

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
