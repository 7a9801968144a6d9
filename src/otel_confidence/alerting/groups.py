"""
This module evaluates a group of rules: in order, at its interval, with series that end marked so.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.overlay import STALE, Overlay
from otel_confidence.alerting.restoring import Patience, restore
from otel_confidence.alerting.rulefiles import GroupSpec
from otel_confidence.alerting.rules import AlertingRule, Moment, RecordingRule, Row, Rule
from otel_confidence.errors import OtelConfidenceError, QueryError, StoreError
from otel_confidence.points import Batch, Labels, Matcher, Sample, Samples, Series
from otel_confidence.query.promql import Engine
from otel_confidence.query.promql.nodes import selectors_of
from otel_confidence.query.promql.parsing import parse
from otel_confidence.query.promql.selecting import Source

_EVALUATIONS_BEFORE_RESTORING: Final = 2
"""The first may come before other rules have recorded what this group's alerts read."""
_FAULTS: Final = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What an expression may run into beside the errors of queries; it must not stop other rules."""
_log = logging.getLogger(__name__)


class Storage(Source, Protocol):
    """
    Where series are read and written; :class:`otel_confidence.store.Store` is one.
    """

    def write(self, batch: Batch) -> None:
        """
        Keep a batch.
        """
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What all groups share.
    """

    storage: Storage
    tell: Callable[[Sequence[Alert], int], None] = lambda _, __: None
    """Hears of alerts and of the time of their evaluation in epoch milliseconds."""
    patience: Patience = field(default_factory=Patience)
    resend_ms: int = 60_000
    """How often those who are told of alerts hear of the same one again."""
    external_url: str = ""
    make_engine: Callable[[Source], Engine] = Engine
    clock: Callable[[], float] = time.perf_counter


class Group:
    """
    The rules of a group with what they know of their past.

    One thread at a time evaluates a group; others may look at its rules meanwhile.
    """

    def __init__(self, spec: GroupSpec, shared: Surroundings, *, restored: bool = False) -> None:
        self.spec = spec
        self.rules: list[AlertingRule | RecordingRule] = [
            AlertingRule(rule, restored=restored) if rule.alerting else RecordingRule(rule)
            for rule in spec.rules
        ]
        self.evaluated_ms: int | None = None
        self.duration_s = 0.0
        self.missed = 0
        self.evaluations = 0
        self._shared = shared
        self._engine = shared.make_engine(shared.storage)
        self._given: list[set[Labels]] = [set() for _ in self.rules]
        self._restored = restored
        self._one_at_a_time = threading.Lock()
        self._selectors: dict[str, list[list[Matcher]]] = {}

    @property
    def alerting(self) -> list[AlertingRule]:
        """
        The rules that make alerts.
        """
        return [rule for rule in self.rules if isinstance(rule, AlertingRule)]

    @property
    def failures(self) -> int:
        """
        How many evaluations of its rules failed.
        """
        return sum(rule.condition.failures for rule in self.rules)

    def slot_ms(self, now_ms: int) -> int:
        """
        The last time at or before now that belongs to this group.

        Each group has its own offset within the interval, so that they do not all run at once; it
        follows from file and name, so that a restart keeps the times.
        """
        digest = hashlib.blake2b(
            f"{self.spec.file}\xff{self.spec.name}".encode(), digest_size=8
        ).digest()
        offset = int.from_bytes(digest, "big") % self.spec.interval_ms
        return (now_ms - offset) // self.spec.interval_ms * self.spec.interval_ms + offset

    def evaluate(self, at_ms: int) -> None:
        """
        Evaluate every rule once; one that fails costs no other.
        """
        with self._one_at_a_time:
            began = self._shared.clock()
            overlay = Overlay(self._shared.storage, at_ms - self.spec.query_offset_ms)
            given = [
                self._evaluate(number, rule, at_ms, overlay)
                for number, rule in enumerate(self.rules)
            ]
            self._write(overlay, given)
            self._say()
            self.evaluations += 1
            if not self._restored and self.evaluations >= _EVALUATIONS_BEFORE_RESTORING:
                restore(self.alerting, self._shared.storage, self._shared.patience, at_ms)
                self._restored = True
            self.evaluated_ms, self.duration_s = at_ms, self._shared.clock() - began

    def _evaluate(
        self, number: int, rule: Rule, at_ms: int, overlay: Overlay
    ) -> set[Labels] | None:
        """
        The series that a rule gave, which are on top of the source now; None where it failed.
        """
        began = self._shared.clock()
        moment = Moment(
            at_ms,
            lambda text, time_ms: self._ask(text, time_ms, overlay),
            self.spec.query_offset_ms,
            self.spec.limit,
            self._shared.external_url,
        )
        try:
            rows = rule.evaluate(moment)
        except OtelConfidenceError as error:
            self._fail(rule, str(error))
            return None
        except _FAULTS as error:
            if not rule.condition.said:
                _log.exception("rule %s of group %s", rule.spec.name, self.spec.name)
            self._fail(rule, f"{type(error).__name__}: {error}")
            return None
        finally:
            rule.condition.duration_s = self._shared.clock() - began
            rule.condition.evaluated_ms = at_ms
        rule.condition.health, rule.condition.error = "ok", ""
        if isinstance(rule, AlertingRule):
            self._tell(rule, at_ms)
        return self._take(number, rule, rows, overlay)

    def _tell(self, rule: AlertingRule, at_ms: int) -> None:
        due = rule.due(at_ms, resend_ms=self._shared.resend_ms, interval_ms=self.spec.interval_ms)
        try:
            if due:
                self._shared.tell(due, at_ms)
        except OtelConfidenceError as error:
            # Firing alerts are told of again before long.
            _log.warning("alerts of rule %s were not told of: %s", rule.spec.name, error)

    def _take(self, number: int, rule: Rule, rows: Sequence[Row], overlay: Overlay) -> set[Labels]:
        taken = {labels for labels, value in rows if overlay.add(labels, value)}
        if len(taken) < len(rows):
            self._fail(rule, "duplicate sample for timestamp: an earlier rule gave the same series")
        for labels in self._given[number] - taken:
            overlay.add(labels, STALE)
        return taken

    def _ask(self, text: str, time_ms: int, overlay: Overlay) -> list[Row]:
        if text not in self._selectors:
            if len(self._selectors) > 10 * len(self.rules) + 100:
                self._selectors.clear()  # templates can ask ever new questions
            self._selectors[text] = selectors_of(parse(text))
        engine = self._engine
        if overlay.rows and overlay.touches(self._selectors[text]):
            engine = self._shared.make_engine(overlay)
        answer = engine.query(text, at=time_ms / 1000)
        if answer.kind not in ("vector", "scalar"):
            raise QueryError("rule result is not a vector or scalar")
        return [(each.labels, float(each.values[0])) for each in answer.series]

    def _write(self, overlay: Overlay, given: Sequence[set[Labels] | None]) -> None:
        samples = Samples.of(
            Sample(Series(labels), overlay.time_ms, value) for labels, value in overlay.rows.items()
        )
        try:
            if len(samples):
                self._shared.storage.write(Batch(samples=samples))
        except StoreError as error:
            for rule, series in zip(self.rules, given, strict=True):
                if series:
                    self._fail(rule, f"its series were not written: {error}")
            return
        for number, series in enumerate(given):
            if series is not None:
                self._given[number] = series

    def _fail(self, rule: Rule, why: str) -> None:
        rule.condition.health, rule.condition.error = "err", why
        rule.condition.failures += 1

    def _say(self) -> None:
        """
        Log which rules began to fail with this evaluation, and which no longer do.
        """
        for rule in self.rules:
            name, group, condition = rule.spec.name, self.spec.name, rule.condition
            fails = condition.health == "err"
            if fails and not condition.said:
                _log.warning("rule %s of group %s fails: %s", name, group, condition.error)
            if condition.said and not fails:
                _log.info("rule %s of group %s works again", name, group)
            condition.said = fails
