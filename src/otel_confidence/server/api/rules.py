"""
This module answers the requests of the Prometheus HTTP API that ask for rules and alerts.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Final, Protocol

from otel_confidence.alerting.alerts import RANKS, Alert
from otel_confidence.alerting.groups import Group
from otel_confidence.alerting.rules import AlertingRule, RecordingRule
from otel_confidence.points import Matcher
from otel_confidence.query.numbers import decimal
from otel_confidence.server.api import replies
from otel_confidence.server.api.parameters import Parameters, invalid, whole
from otel_confidence.server.api.replies import Reply
from otel_confidence.store.patterns import compiled

_KINDS: Final = ("", "alert", "record")
_YES: Final = frozenset({"1", "t", "true"})
_NO: Final = frozenset({"0", "f", "false", ""})
_NEVER: Final = "0001-01-01T00:00:00Z"


class Ruling(Protocol):
    """
    Whatever has rule groups; :class:`otel_confidence.alerting.service.Alerting` does.
    """

    @property
    def groups(self) -> list[Group]:
        """
        The groups in the order of files and names.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """
    Answers about rules and the alerts that they make.
    """

    ruling: Ruling | None = None

    def rules(self, given: Parameters) -> Reply:
        """
        The groups of rules, those that are asked for.
        """
        wanted = _Wanted.read(given)
        limit, token = _page(given)
        found: list[dict[str, Any]] = []
        following = ""
        for group in self._from(token):
            shown = wanted.group(group)
            if shown is None:
                continue
            if limit and len(found) == limit:
                following = _token(group)
                break
            found.append(shown)
        return replies.plain(
            {"groups": found, **({"groupNextToken": following} if following else {})}
        )

    def alerts(self, _: Parameters) -> Reply:
        """
        The alerts that are pending or firing.
        """
        rules = (rule for group in self._groups for rule in _gravest_first(group.alerting))
        return replies.plain({"alerts": [_alert(a) for rule in rules for a in rule.alerts()]})

    @property
    def _groups(self) -> list[Group]:
        return self.ruling.groups if self.ruling else []

    def _from(self, token: str) -> list[Group]:
        for number, group in enumerate(self._groups):
            if not token or token == _token(group):
                return self._groups[number:]
        if token:
            reason = f"invalid group_next_token '{token}'. were rule groups changed?"
            raise invalid("group_next_token", reason)
        return []


@dataclass(frozen=True, slots=True)
class _Wanted:
    """
    Which rules are asked for, and how much of them.
    """

    kind: str
    names: frozenset[str]
    groups: frozenset[str]
    files: frozenset[str]
    matchers: Sequence[Sequence[Matcher]]
    without_alerts: bool

    @classmethod
    def read(cls, given: Parameters) -> "_Wanted":
        kind = given.text("type").lower()
        if kind not in _KINDS:
            raise invalid("type", f'not supported value "{kind}"')
        without = given.text("exclude_alerts").lower()
        if without not in _YES | _NO:
            raise invalid("exclude_alerts", f'"{without}" is neither true nor false')
        return cls(
            kind,
            frozenset(given.texts("rule_name[]")),
            frozenset(given.texts("rule_group[]")),
            frozenset(given.texts("file[]")),
            given.matcher_sets(),
            without in _YES,
        )

    def group(self, group: Group) -> dict[str, Any] | None:
        spec = group.spec
        if (self.groups and spec.name not in self.groups) or (
            self.files and spec.file not in self.files
        ):
            return None
        rules = [self._rule(rule) for rule in group.rules if self._asks_for(rule)]
        if not rules:
            return None
        return {
            "name": spec.name,
            "file": spec.file,
            "rules": rules,
            "interval": spec.interval_ms / 1000,
            "limit": spec.limit,
            "evaluationTime": group.duration_s,
            "lastEvaluation": _moment(group.evaluated_ms),
        }

    def _asks_for(self, rule: AlertingRule | RecordingRule) -> bool:
        kind = "alert" if isinstance(rule, AlertingRule) else "record"
        if self.kind not in ("", kind) or (self.names and rule.spec.name not in self.names):
            return False
        labels = rule.spec.labels
        return not self.matchers or any(_meet(labels, matchers) for matchers in self.matchers)

    def _rule(self, rule: AlertingRule | RecordingRule) -> dict[str, Any]:
        spec, condition = rule.spec, rule.condition
        shared = {
            "name": spec.name,
            "query": spec.expression,
            "labels": spec.labels,
            "health": condition.health,
            **({"lastError": condition.error} if condition.error else {}),
            "evaluationTime": condition.duration_s,
            "lastEvaluation": _moment(condition.evaluated_ms),
        }
        if isinstance(rule, RecordingRule):
            return {**shared, "type": "recording"}
        return {
            "state": rule.state,
            **shared,
            "duration": spec.hold_ms / 1000,
            "keepFiringFor": spec.keep_ms / 1000,
            "annotations": spec.annotations,
            "alerts": None if self.without_alerts else [_alert(a) for a in rule.alerts()],
            "type": "alerting",
        }


def _meet(labels: dict[str, str], matchers: Iterable[Matcher]) -> bool:
    for matcher in matchers:
        value = labels.get(matcher.label, "")
        if matcher.op in ("=", "!="):
            holds = value == matcher.value
        else:
            holds = compiled(matcher.value).search(value) is not None
        if holds != (matcher.op in ("=", "=~")):
            return False
    return True


def _page(given: Parameters) -> tuple[int, str]:
    limit, token = given.text("group_limit"), given.text("group_next_token")
    if not limit:
        if token:
            reason = "group_limit needs to be present in order to paginate over the groups"
            raise invalid("group_next_token", reason)
        return 0, ""
    try:
        number = whole(limit)
    except ValueError as error:
        reason = f"group_limit needs to be a valid number: {error}"
        raise invalid("group_limit", reason) from error
    if number <= 0:
        raise invalid("group_limit", "group_limit needs to be greater than 0")
    return number, token


def _gravest_first(rules: Iterable[AlertingRule]) -> list[AlertingRule]:
    return sorted(rules, key=lambda rule: (-RANKS[rule.state], rule.spec.name))


def _token(group: Group) -> str:
    return hashlib.sha256(f"{group.spec.file};{group.spec.name}".encode()).hexdigest()


def _alert(alert: Alert) -> dict[str, Any]:
    kept = alert.kept_since_ms
    return {
        "labels": dict(alert.labels),
        "annotations": alert.annotations,
        "state": alert.state,
        "activeAt": _moment(alert.active_ms),
        **({"keepFiringSince": _moment(kept)} if kept is not None else {}),
        "value": _exponential(alert.value),
    }


def _exponential(value: float) -> str:
    if not math.isfinite(value):
        return decimal(value)
    sign, digits, power = Decimal(repr(value)).normalize().as_tuple()
    size = len(digits) - 1 + int(power) if value else 0
    fraction = f".{''.join(map(str, digits[1:]))}" if len(digits) > 1 else ""
    text = f"{digits[0]}{fraction}e{'-' if size < 0 else '+'}{abs(size):02d}"
    return f"-{text}" if sign else text


def _moment(time_ms: int | None) -> str:
    if time_ms is None:
        return _NEVER
    text = datetime.fromtimestamp(time_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
