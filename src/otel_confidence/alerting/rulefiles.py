"""
This module reads Prometheus rule files and says what is wrong with them, and where.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from otel_confidence.alerting import templates
from otel_confidence.alerting.documents import Place, compose
from otel_confidence.alerting.durations import milliseconds
from otel_confidence.errors import ConfigurationError, QueryError, TemplateError
from otel_confidence.points import NAME_LABEL
from otel_confidence.query.promql.parsing import parse

DEFAULT_INTERVAL_MS: Final = 60_000
"""How often a group is evaluated that does not say so itself, as with Prometheus."""
_SHOWN: Final = 20
_GROUP: Final = frozenset({"name", "interval", "query_offset", "limit", "labels", "rules"})
_RULE: Final = frozenset(
    {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
)
_ALERT_ONLY: Final = ("annotations", "for", "keep_firing_for")


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """
    One rule as its file has it, with the labels of its group.
    """

    name: str
    expression: str
    alerting: bool
    hold_ms: int = 0
    """How long the expression must hold before the alert fires: ``for``."""
    keep_ms: int = 0
    """How long it goes on firing afterwards: ``keep_firing_for``."""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """
    One group of rules, evaluated in their order.
    """

    file: str
    name: str
    interval_ms: int
    rules: tuple[RuleSpec, ...]
    query_offset_ms: int = 0
    limit: int = 0
    """How many series or alerts one rule may give; 0 for any number."""


def read_files(paths: Sequence[Path], *, interval_ms: int = DEFAULT_INTERVAL_MS) -> list[GroupSpec]:
    """
    The groups of several files, in the order of files and groups.

    Raises:
        ConfigurationError: Something is wrong; every fault is named with its place.
    """
    groups: list[GroupSpec] = []
    faults: list[str] = []
    for path in sorted(set(paths)):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{path}: {error}")
            continue
        reading = _Reading(str(path), interval_ms)
        groups.extend(reading.groups(text))
        faults.extend(reading.faults)
    _refuse(faults)
    return groups


def read_text(text: str, name: str, *, interval_ms: int = DEFAULT_INTERVAL_MS) -> list[GroupSpec]:
    """
    The groups of one file whose text is known.

    Raises:
        ConfigurationError: Something is wrong; every fault is named with its place.
    """
    reading = _Reading(name, interval_ms)
    groups = reading.groups(text)
    _refuse(reading.faults)
    return groups


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise ConfigurationError("\n".join(["wrong rules:", *faults[:_SHOWN], *more]))


class _Reading:
    """
    The reading of one file, which gathers its faults.
    """

    def __init__(self, file: str, interval_ms: int) -> None:
        self._file = file
        self._interval_ms = interval_ms
        self.faults: list[str] = []

    def groups(self, text: str) -> list[GroupSpec]:
        try:
            document = compose(text)
        except ConfigurationError as error:
            self.faults.append(f"{self._file}:{error}")
            return []
        fields = self._fields(document, frozenset({"groups"}), "")
        found: dict[str, GroupSpec] = {}
        for place in self._items(fields.get("groups"), "groups"):
            group = self._group(place)
            if group.name in found:
                self._fault(place, f'groupname: "{group.name}" is repeated in the same file')
            found[group.name] = group
        return list(found.values())

    def _fault(self, place: Place, message: str, where: str = "") -> None:
        self.faults.append(f"{self._file}:{place.line}:{place.column}: {where}{message}")

    def _fields(self, place: Place, known: frozenset[str], where: str) -> dict[str, Place]:
        try:
            fields = place.fields()
        except ConfigurationError as error:
            self._fault(place, str(error), where)
            return {}
        for name in fields.keys() - known:
            self._fault(fields[name], f"field {name} not known; known: {_listed(known)}", where)
        return fields

    def _items(self, place: Place | None, name: str) -> list[Place]:
        if place is None:
            return []
        try:
            return place.items()
        except ConfigurationError as error:
            self._fault(place, f"{name}: {error}")
            return []

    def _group(self, place: Place) -> GroupSpec:
        fields = self._fields(place, _GROUP, "")
        name = self._text(fields, "name", "")
        if not name:
            self._fault(place, "Groupname must not be empty")
        where = f'group "{name}", '
        labels = self._texts(fields, "labels", where)
        rules = [
            self._rule(each, f"{where}rule {number}, ", labels)
            for number, each in enumerate(self._items(fields.get("rules"), "rules"), 1)
        ]
        return GroupSpec(
            file=self._file,
            name=name,
            interval_ms=self._duration(fields, "interval", where) or self._interval_ms,
            rules=tuple(rules),
            query_offset_ms=self._duration(fields, "query_offset", where),
            limit=self._number(fields, "limit", where),
        )

    def _rule(self, place: Place, where: str, shared: dict[str, str]) -> RuleSpec:
        fields = self._fields(place, _RULE, where)
        alert, record = self._text(fields, "alert", where), self._text(fields, "record", where)
        where = f'{where}"{alert or record}": '
        if bool(alert) == bool(record):
            both = "only one of 'record' and 'alert'" if alert else "one of 'record' or 'alert'"
            self._fault(place, f"{both} must be set", where)
        rule = RuleSpec(
            name=alert or record,
            expression=self._text(fields, "expr", where),
            alerting=bool(alert),
            hold_ms=self._duration(fields, "for", where),
            keep_ms=self._duration(fields, "keep_firing_for", where),
            labels={**shared, **self._texts(fields, "labels", where)},
            annotations=self._texts(fields, "annotations", where),
        )
        at = fields.get("expr", place)
        for problem in (*_expression(rule), *(_alert(rule) if alert else _recording(rule))):
            self._fault(at, problem, where)
        return rule

    def _text(self, fields: dict[str, Place], name: str, where: str) -> str:
        place = fields.get(name)
        if place is None:
            return ""
        try:
            return place.text()
        except ConfigurationError as error:
            self._fault(place, f"{name}: {error}", where)
            return ""

    def _texts(self, fields: dict[str, Place], name: str, where: str) -> dict[str, str]:
        place = fields.get(name)
        if place is None or place.empty:
            return {}
        try:
            found = {key: each.text() for key, each in place.fields().items()}
        except ConfigurationError as error:
            self._fault(place, f"{name}: {error}", where)
            return {}
        for key in found:
            if not key or (name == "labels" and key == NAME_LABEL):
                self._fault(place, f"invalid {name.removesuffix('s')} name: {key}", where)
        return found

    def _duration(self, fields: dict[str, Place], name: str, where: str) -> int:
        text = self._text(fields, name, where)
        try:
            return milliseconds(text) if text else 0
        except ValueError as error:
            self._fault(fields[name], f"{name}: {error}", where)
            return 0

    def _number(self, fields: dict[str, Place], name: str, where: str) -> int:
        text = self._text(fields, name, where)
        try:
            return int(text) if text else 0
        except ValueError:
            self._fault(fields[name], f"{name} must be a whole number, got {text!r}", where)
            return 0


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _expression(rule: RuleSpec) -> Iterator[str]:
    if not rule.expression:
        yield "field 'expr' must be set in rule"
        return
    try:
        parse(rule.expression)
    except QueryError as error:
        yield f"could not parse expression: {error}"


def _recording(rule: RuleSpec) -> Iterator[str]:
    given = {"annotations": rule.annotations, "for": rule.hold_ms, "keep_firing_for": rule.keep_ms}
    for name in _ALERT_ONLY:
        if given[name]:
            yield f"invalid field '{name}' in recording rule"
    if "{" in rule.name or "}" in rule.name:
        yield f"braces present in the recording rule name; should it be in expr?: {rule.name}"


def _alert(rule: RuleSpec) -> Iterator[str]:
    for kind, given in (("label", rule.labels), ("annotation", rule.annotations)):
        for name, text in given.items():
            problem = _template(text)
            if problem:
                yield f'{kind} "{name}": {problem}'


def _template(text: str) -> str:
    try:
        templates.read(text)
    except TemplateError as error:
        return str(error)
    return ""
