"""
This module holds what rules are made of: recordings, alerts, groups of both, and their names.

Recorded names are ``level:metric:operation``, the level being the labels that are left. An alert
weighs its evidence: it looks at the short window when that holds enough, else at the long one, and
says nothing on less.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal

from otel_confidence.conventions import MODEL_NAME, MODEL_VERSION, Attribute, Metric
from otel_confidence.objectives.recorded import SLO_ID, SLO_NAME, SLO_SERVICE

Severity = Literal["critical", "warning", "none"]
Board = Literal["model", "calibration", "drift", "feedback", "health", "slo"]

RUNBOOKS: Final = "http://localhost:9090/user/runbooks.html"
"""Where the stack's Prometheus serves the runbooks; a deployment may say its own."""
DASHBOARDS: Final = "http://localhost:3000"
"""Where the stack's Grafana is; a deployment may say its own."""
TOPIC: Final = "topic"
"""The label of an alert that says what it is about: alerts of one model and topic are inhibited."""
MIN_PREDICTIONS: Final = 100
"""Events below which a share or a mean of values within 0..1 is not compared with an earlier one.

From there on its standard error is at most 0.05.
"""
SETTLED: Final = (("for", "5m"), ("keep_firing_for", "5m"))
"""Longer than a window needs to fill after a restart, and no end and begin at every evaluation."""
WEEK: Final = "1w"
"""What is usual is taken from the same time of the week before: days and hours differ."""


def of(label: Attribute | str) -> str:
    """
    A label of the alert, in the templates of annotations.
    """
    return f"{{{{ $labels.{label if isinstance(label, str) else label.label} }}}}"


MODEL: Final = of(MODEL_NAME)
VERSION: Final = f"{MODEL} {of(MODEL_VERSION)}"


def _chosen(label: Attribute | str) -> str:
    name = label if isinstance(label, str) else label.label
    return f"{{{{ $labels.{name} | urlquery }}}}"


_OF_SLO: Final = f"?var-owner={_chosen(SLO_SERVICE)}&var-slo={_chosen(SLO_NAME)}"
_OF_MODEL: Final = f"?var-model={_chosen(MODEL_NAME)}"
BOARDS: Final[Mapping[Board, str]] = MappingProxyType(
    {
        "model": f"/d/otel-confidence-model{_OF_MODEL}",
        "calibration": f"/d/otel-confidence-calibration{_OF_MODEL}",
        "drift": f"/d/otel-confidence-drift{_OF_MODEL}",
        "feedback": f"/d/otel-confidence-feedback{_OF_MODEL}",
        "health": "/d/otel-confidence-health",
        "slo": f"/d/otel-confidence-slo{_OF_SLO}",
    }
)
"""Addresses of the dashboards, after Grafana's own."""
_PAGE: Final = f"/models/?name={_chosen(MODEL_NAME)}"
PAGES: Final[Mapping[Board, str]] = MappingProxyType(
    {
        "model": _PAGE,
        "calibration": _PAGE,
        "drift": _PAGE,
        "feedback": _PAGE,
        "health": "/alerts",
        "slo": f"/slos?slo={_chosen(SLO_ID)}",
    }
)
"""Addresses of the pages of ``otel-confidence up``, after its own."""


@dataclass(frozen=True, slots=True)
class Links:
    """
    Where the annotations of alerts lead to.
    """

    runbooks: str = RUNBOOKS
    dashboards: str = DASHBOARDS
    boards: Mapping[Board, str] = field(default_factory=lambda: BOARDS)
    """Addresses below ``dashboards``; templates of annotations are carried out in them."""

    def annotations(self, alert: str, board: Board) -> dict[str, str]:
        """
        The links of an alert.
        """
        return {
            "runbook_url": f"{self.runbooks}#{alert.lower()}",
            "dashboard_url": f"{self.dashboards}{self.boards[board]}",
        }


@dataclass(frozen=True, slots=True)
class Recording:
    """
    A recording rule.
    """

    name: str
    expression: str

    def rule(self) -> dict[str, Any]:
        """
        The rule as Prometheus reads it.
        """
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True, slots=True)
class Alert:
    """
    An alerting rule; its name is also the heading of its runbook.
    """

    name: str
    expression: str
    severity: Severity
    topic: str
    summary: str
    description: str
    board: Board = "model"
    waits: tuple[tuple[str, str], ...] = ()
    """``for`` and ``keep_firing_for`` with their durations, where there are any."""

    def rule(self, links: Links) -> dict[str, Any]:
        """
        The rule as Prometheus reads it.
        """
        return {
            "alert": self.name,
            "expr": self.expression,
            **dict(self.waits),
            "labels": {"severity": self.severity, TOPIC: self.topic},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                **links.annotations(self.name, self.board),
            },
        }


def on_health(topic: str, severity: Severity = "warning") -> partial[Alert]:
    """
    A maker of alerts about telemetry itself, whose dashboard is *Pipeline health*.
    """
    return partial(Alert, severity=severity, topic=topic, board="health")


@dataclass(frozen=True, slots=True)
class Group:
    """
    Rules that are evaluated in their order: recordings, and after them the alerts that read them.
    """

    name: str
    interval: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...] = ()

    def rules(self, links: Links) -> dict[str, Any]:
        """
        The group as Prometheus reads it.
        """
        return {
            "name": f"otel-confidence-{self.name}",
            "interval": self.interval,
            "rules": [
                *(recording.rule() for recording in self.recordings),
                *(alert.rule(links) for alert in self.alerts),
            ],
        }


def recorded(metric: Metric, operation: str, *, level: str = "model_version") -> str:
    """
    The name of a recording rule over a metric, which for a counter loses its ``_total``.
    """
    return f"{level}:{metric.prometheus.removesuffix('_total')}:{operation}"


def weighed(
    condition: Callable[[str], str], evidence: Callable[[str], str], *, short: str, long: str
) -> str:
    """
    A condition on the short window where that holds enough evidence, otherwise on the long one.
    """
    return (
        f"(\n  {condition(short)}\n  and {evidence(short)}\n)\n"
        f"or\n(\n  {condition(long)}\n  and {evidence(long)}\n  unless {evidence(short)}\n)"
    )


def share(expression: str = "$value") -> str:
    """
    A number of two decimal places, in the templates of annotations.
    """
    return f'{{{{ {expression} | printf "%.2f" }}}}'


def decimal(number: float) -> str:
    """
    A number as rules spell it, never as a power of ten.
    """
    return f"{Decimal(str(number)):f}"
