"""
This module checks a Collector's configuration for what otel_confidence needs of it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from otel_confidence.collector import (
    addresses,
    delivery,
    losses,
    merging,
    naming,
    order,
    ports,
    sampling,
    variables,
    waiting,
    wiring,
)
from otel_confidence.collector.findings import Finding
from otel_confidence.collector.pipelines import Configuration

__all__ = ["Finding", "check"]


def check(paths: Sequence[Path], environment: Mapping[str, str]) -> list[Finding]:
    """
    Everything wrong in the files, laid over each other in their order, each thing once.

    Raises:
        ConfigurationError: PyYAML is not installed.
    """
    found: list[Finding] = []
    root = merging.read(paths, found)
    if found:  # half a configuration would make up for many more
        return found
    found.extend(variables.check(root, environment))
    whole = Configuration(root, environment)
    for part in (wiring, order, sampling, losses, naming, delivery, waiting, addresses, ports):
        found.extend(part.check(whole))
    return sorted(set(found))
