"""This module gives ingest tests a pipeline into a list."""

import time

import pytest

from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.points import Batch

NOW_NS = time.time_ns()


@pytest.fixture
def batches() -> list[Batch]:
    """What the pipeline handed to its sink."""
    return []


@pytest.fixture
def pipeline(batches: list[Batch]) -> Pipeline:
    """A pipeline whose sink is a list."""
    return Pipeline(batches.append)
