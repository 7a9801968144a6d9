"""
This module evaluates single rules with Prometheus's semantics.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from otel_confidence.alerting import templates
from otel_confidence.alerting.alerts import (
    ALERT_NAME,
    ALERT_STATE,
    ALERTS,
    ALERTS_FOR_STATE,
    RANKS,
    Alert,
    labels_of,
)
from otel_confidence.alerting.rulefiles import RuleSpec
from otel_confidence.errors import QueryError, TemplateError
from otel_confidence.points import NAME_LABEL, Labels

RESOLVED_RETENTION_MS: Final = 15 * 60_000
"""How long a resolved alert is kept, and told of again, so that nobody misses it."""
Row = tuple[Labels, float]
Query = Callable[[str, int], Sequence[Row]]
"""Answers an expression at a time in epoch milliseconds with series and their values."""


@dataclass(frozen=True, slots=True)
class Moment:
    """
    One evaluation of a rule.
    """

    at_ms: int
    query: Query
    offset_ms: int = 0
    """How far in the past the expression is evaluated."""
    limit: int = 0
    external_url: str = ""

    @property
    def asked_ms(self) -> int:
        """
        The time that the expression is evaluated at, and its series get.
        """
        return self.at_ms - self.offset_ms


@dataclass(slots=True)
class Condition:
    """
    How a rule fares.
    """

    health: str = "unknown"
    error: str = ""
    failures: int = 0
    duration_s: float = 0.0
    evaluated_ms: int | None = None
    said: bool = False
    """Whether the log says that it fails."""


class Rule(Protocol):
    """
    A rule of a group.
    """

    spec: RuleSpec
    condition: Condition

    def evaluate(self, moment: Moment) -> list[Row]:
        """
        The series that the rule gives.

        Raises:
            QueryError: It cannot be evaluated.
        """
        ...


@dataclass(slots=True)
class RecordingRule:
    """
    A rule that gives what it finds a name.
    """

    spec: RuleSpec
    condition: Condition = field(default_factory=Condition)

    def evaluate(self, moment: Moment) -> list[Row]:
        """
        The series that the expression gives, named and labeled.
        """
        rows = moment.query(self.spec.expression, moment.asked_ms)
        named = {NAME_LABEL: self.spec.name, **self.spec.labels}
        made = [(labels_of({**dict(labels), **named}), value) for labels, value in rows]
        if len({labels for labels, _ in made}) < len(made):
            raise QueryError(
                "vector contains metrics with the same labelset after applying rule labels"
            )
        if 0 < moment.limit < len(made):
            raise QueryError(f"exceeded limit of {moment.limit} with {len(made)} series")
        return made


@dataclass(slots=True)
class AlertingRule:
    """
    A rule that turns what it finds into alerts.
    """

    spec: RuleSpec
    restored: bool = False
    """Whether it knows what was active before a restart; until then it writes no series."""
    condition: Condition = field(default_factory=Condition)
    active: dict[Labels, Alert] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> str:
        """
        The gravest state among its alerts.
        """
        if self.condition.evaluated_ms is None:
            return "unknown"
        with self._lock:
            states = ["inactive", *(alert.state for alert in self.active.values())]
        return max(states, key=lambda state: RANKS[state])

    def alerts(self) -> list[Alert]:
        """
        Copies of the alerts that are pending or firing.
        """
        with self._lock:
            return [replace(a) for a in self.active.values() if a.resolved_ms is None]

    def restore(self, adjust: Callable[[Alert], None]) -> None:
        """
        Let something change the alerts in place, then write series.
        """
        with self._lock:
            for alert in self.active.values():
                adjust(alert)
        self.restored = True

    def due(self, at_ms: int, *, resend_ms: int, interval_ms: int) -> list[Alert]:
        """
        Copies of the alerts to tell of now, and of the pending ones, which are only looked at.
        """
        with self._lock:
            told = []
            for alert in self.active.values():
                if alert.needs_sending(at_ms, resend_ms):
                    alert.sent_ms = at_ms
                    alert.valid_ms = at_ms + 4 * max(interval_ms, resend_ms)
                    told.append(replace(alert))
                elif alert.state == "pending":
                    told.append(replace(alert))
            return told

    def evaluate(self, moment: Moment) -> list[Row]:
        """
        The series that say which alerts are pending or firing, and since when.
        """
        rows = moment.query(self.spec.expression, moment.asked_ms)
        found: dict[Labels, Alert] = {}
        for row in rows:
            alert = self._alert(row, moment)
            if alert.labels in found:
                raise QueryError(
                    "vector contains metrics with the same labelset after applying alert labels"
                )
            found[alert.labels] = alert
        with self._lock:
            return self._moved_on(found, moment)

    def _alert(self, row: Row, moment: Moment) -> Alert:
        series, value = row
        context = templates.Context(
            lambda text: moment.query(text, moment.at_ms), moment.at_ms, moment.external_url
        )

        def expanded(text: str) -> str:
            try:
                return templates.expand(text, labels=dict(series), value=value, context=context)
            except (TemplateError, QueryError) as error:
                return f"<error expanding template: {error}>"

        own = {name: expanded(text) for name, text in self.spec.labels.items()}
        labels = {**dict(series), **own, ALERT_NAME: self.spec.name}
        labels.pop(NAME_LABEL, None)
        return Alert(
            labels=labels_of(labels),
            annotations={name: expanded(text) for name, text in self.spec.annotations.items()},
            value=value,
            active_ms=moment.at_ms,
            expression=self.spec.expression,
            hold_ms=self.spec.hold_ms,
        )

    def _moved_on(self, found: dict[Labels, Alert], moment: Moment) -> list[Row]:
        for labels, alert in found.items():
            known = self.active.get(labels)
            if known is None or known.state == "inactive":
                self.active[labels] = alert
            else:
                known.value, known.annotations = alert.value, alert.annotations
        rows: list[Row] = []
        going_on = 0
        for labels, alert in list(self.active.items()):
            if not self._goes_on(alert, moment.at_ms, holds=labels in found):
                continue
            going_on += 1
            self._fire(alert, moment.at_ms)
            rows.extend(self._series(alert) if self.restored else ())
        if 0 < moment.limit < going_on:
            self.active = {}
            raise QueryError(f"exceeded limit of {moment.limit} with {going_on} alerts")
        return rows

    def _goes_on(self, alert: Alert, at_ms: int, *, holds: bool) -> bool:
        if holds:
            alert.kept_since_ms = None
            return True
        if alert.state == "firing" and self.spec.keep_ms:
            if alert.kept_since_ms is None:
                alert.kept_since_ms = at_ms
            if at_ms - alert.kept_since_ms < self.spec.keep_ms:
                return True
        resolved = alert.resolved_ms
        if alert.state == "pending" or (
            resolved is not None and at_ms - resolved > RESOLVED_RETENTION_MS
        ):
            del self.active[alert.labels]
        if alert.state != "inactive":
            alert.state, alert.resolved_ms = "inactive", at_ms
        return False

    def _fire(self, alert: Alert, at_ms: int) -> None:
        long_enough = at_ms - alert.active_ms >= self.spec.hold_ms
        if alert.state == "pending" and long_enough:
            alert.state, alert.fired_ms = "firing", at_ms

    def _series(self, alert: Alert) -> list[Row]:
        # The rule's own labels come first, unexpanded, as Prometheus has it: one that expands to
        # nothing shows its template.
        labels = {**self.spec.labels, **dict(alert.labels), ALERT_NAME: self.spec.name}
        state = labels_of({**labels, NAME_LABEL: ALERTS, ALERT_STATE: alert.state})
        since = labels_of({**labels, NAME_LABEL: ALERTS_FOR_STATE})
        return [(state, 1.0), (since, float(alert.active_ms // 1000))]
