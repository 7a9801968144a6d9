"""
This module builds the Prometheus rules: recordings per model and version, and alerts on them.
"""

from collections.abc import Callable
from typing import Any, Final

from otel_confidence.generate.rules import (
    calibration,
    confidence,
    drift,
    evaluation,
    feedback,
    serving,
    stack,
    telemetry,
    traffic,
)
from otel_confidence.generate.rules.inhibiting import INHIBITIONS, Inhibition
from otel_confidence.generate.rules.kinds import (
    BOARDS,
    DASHBOARDS,
    PAGES,
    RUNBOOKS,
    TOPIC,
    Group,
    Links,
)

__all__ = [
    "BOARDS",
    "DASHBOARDS",
    "INHIBITIONS",
    "PAGES",
    "RUNBOOKS",
    "TOPIC",
    "Inhibition",
    "Links",
    "rule_file",
]

_OF_MODELS: Final[tuple[Callable[[], list[Group]], ...]] = (
    calibration.groups,
    confidence.groups,
    drift.groups,
    evaluation.groups,
    feedback.groups,
    serving.groups,
    telemetry.groups,
    traffic.groups,
)


def rule_file(
    runbooks: str = RUNBOOKS, *, links: Links | None = None, stack_too: bool = True
) -> dict[str, Any]:
    """
    Every rule group in alphabetical order, as a Prometheus rule file holds them.

    Args:
        runbooks: address of the runbooks' page.
        links: where annotations lead to, if not to that page and to the stack's Grafana.
        stack_too: whether the stack's own programs are watched as well.
    """
    led = links or Links(runbooks=runbooks)
    found = [group for groups in _OF_MODELS for group in groups()]
    if stack_too:
        found += stack.groups()
    return {"groups": [group.rules(led) for group in sorted(found, key=lambda g: g.name)]}
