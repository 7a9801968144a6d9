"""
This module holds an objective: which share of what must be good, over which period.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from otel_confidence import conventions as c
from otel_confidence import spelling
from otel_confidence.errors import ObjectiveError
from otel_confidence.objectives.gathering import check_all
from otel_confidence.objectives.indicators import (
    Confidence,
    Indicator,
    Latency,
    Satisfaction,
)
from otel_confidence.objectives.windows import PERIOD_NAMES, burn_windows

Pairs = tuple[tuple[str, str], ...]

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,98}[A-Za-z0-9])?")
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,98}")
_OPERATORS: Final = ("=~", "!~", "!=", "=")
_LONGEST: Final = 1050
_MOST_EVENTS: Final = 1_000_000_000
_FLEET: Final = "fleet"
_REMEDY: Final = (
    "; or let the programs add it by configure(thresholds=...), and say so in thresholds here"
)


@dataclass(frozen=True, slots=True)
class Objective:
    """
    A service level objective.

    Raises:
        ObjectiveError: a field is wrong; the error names it and says what would be right.
    """

    name: str
    """Letters, digits, ``-``, ``_`` and ``.``; it becomes the label ``sloth_slo``."""
    indicator: Indicator
    target: float
    """The share that must be good, such as 0.99."""
    model: str = ""
    """Only this model; all of them together if not given."""
    version: str = ""
    """Only this version of the model."""
    service: str = ""
    """Only what this service reports, by its ``service.name``."""
    where: Mapping[str, str] | Pairs = ()
    """Other labels or attributes with the value they must have; ``!=``, ``=~`` or ``!~`` before it
    compare as PromQL does."""
    window_days: int = 30
    """The period that the budget is for: 7, 28 or 30 days, ending now."""
    min_events: int | None = None
    """Events without which no window raises an alert; the indicator's own number if not given."""
    group: str = ""
    """What ``sloth_service`` says: the service, else the model, if not given."""
    description: str = ""
    labels: Mapping[str, str] | Pairs = ()
    """More labels on all series and alerts, such as ``team``."""
    thresholds: tuple[float, ...] = ()
    """Edges of the programs' confidence histogram beside the conventional ones: thresholds that
    they declare, or name in ``configure(thresholds=...)``."""

    def __post_init__(self) -> None:
        texts = ("model", "version", "service", "group", "description")
        check_all(
            lambda: _text("name", self.name, _NAME, "letters, digits, '-', '_' and '.'"),
            lambda: _target(self.target),
            *(partial(_plain, field, getattr(self, field)) for field in texts),
            self._check_version,
            partial(burn_windows, self.window_days),
            self._check_least,
            self._check_edges,
            partial(self._check_pairs, "where", self._known_label),
            partial(self._check_pairs, "labels", _own_label),
        )

    @property
    def id(self) -> str:
        """
        What tells it from all others: ``sloth_id``.
        """
        return f"{self.belongs_to}-{self.name}"

    @property
    def belongs_to(self) -> str:
        """
        What ``sloth_service`` says.
        """
        return self.group or self.service or self.model or _FLEET

    @property
    def budget(self) -> Decimal:
        """
        The share that may be bad, exactly as the target was written.
        """
        return 1 - Decimal(str(self.target))

    @property
    def least_events(self) -> int:
        """
        Events below which no window is judged; 0 where time is judged and not events.
        """
        given = self.indicator.least if self.min_events is None else self.min_events
        return given or 0

    @property
    def period(self) -> str:
        """
        The period as it stands in the names of recorded series.
        """
        return PERIOD_NAMES[self.window_days]

    @property
    def labels_given(self) -> Pairs:
        """
        The further labels, sorted.
        """
        return tuple(self.labels.items() if isinstance(self.labels, Mapping) else self.labels)

    @property
    def conditions_given(self) -> Pairs:
        """
        The further conditions, sorted.
        """
        return tuple(self.where.items() if isinstance(self.where, Mapping) else self.where)

    @property
    def conditions(self) -> tuple[str, ...]:
        """
        The matchers of a PromQL selector.
        """
        own = ((c.MODEL_NAME, self.model), (c.MODEL_VERSION, self.version))
        named = ((c.SERVICE_NAME, self.service), *own)
        return (
            *(f"{key.label}={quoted(value)}" for key, value in named if value),
            *(_matcher(name, value) for name, value in self.conditions_given),
        )

    def __str__(self) -> str:
        of = " ".join(part for part in (self.model, self.version) if part)
        whose = of or self.service or self.group or "all models"
        share = f"{(Decimal(str(self.target)) * 100).normalize():f}%"
        what = f"{self.indicator.subject} of {whose} {self.indicator}"
        return f"{share} of the {what}, over {self.window_days} days"

    def _check_version(self) -> None:
        if self.version and not self.model:
            raise ObjectiveError("belongs to a model: name it too", field="version")

    def _check_pairs(self, field: str, check: Callable[[str], None]) -> None:
        pairs = _pairs(field, getattr(self, field))
        object.__setattr__(self, field, pairs)
        check_all(*(partial(check, name) for name, _ in pairs))

    def _check_least(self) -> None:
        given = self.min_events
        if given is None:
            return
        if self.indicator.least is None:
            raise ObjectiveError(
                f"a {self.indicator.kind} is judged by the minute, not by events: leave it out",
                field="min_events",
            )
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= _MOST_EVENTS:
            raise ObjectiveError(f"must be a whole number of at least 1, got {given!r}",
                                 field="min_events")  # fmt: skip

    def _check_edges(self) -> None:
        """
        Refuse a bound that is no bucket edge: between two edges nothing is known.
        """
        indicator = self.indicator
        if isinstance(indicator, Latency):
            _edge("within", indicator.within_s, c.LATENCY_EDGES, "")
        elif isinstance(indicator, Satisfaction):
            _edge("above", indicator.above, c.SCORE_EDGES, "")
        elif isinstance(indicator, Confidence) and not indicator.exact:
            edges = (*c.CONFIDENCE_EDGES, *self.thresholds)
            _edge("at_least", indicator.at_least, edges, _REMEDY)

    def _known_label(self, name: str) -> None:
        """
        Refuse an attribute of the table of signals that what is measured does not have.
        """
        label = _spelled(name)
        table = {attribute.label: attribute for attribute in c.ATTRIBUTES}
        attribute = table.get(label)
        if attribute is None or attribute is c.SERVICE_NAME:
            return
        metrics = self.indicator.metrics
        if any(attribute not in metric.attributes for metric in metrics):
            common = [a for a in metrics[0].attributes if all(a in m.attributes for m in metrics)]
            raise ObjectiveError(
                f"{name!r} is on no {self.indicator.kind}; of its attributes there are "
                f"{', '.join(a.name for a in common)}, and those of the program's resource",
                field="where",
            )


def check_names(objectives: Iterable[Objective]) -> None:
    """
    Refuse two objectives that would record the same series.

    Raises:
        ObjectiveError: two of them have the same id.
    """
    seen: set[str] = set()
    for objective in objectives:
        if objective.id in seen:
            raise ObjectiveError(f"{objective.id!r} is there twice: rename one", field="name")
        seen.add(objective.id)


def confidence_bounds(objectives: Iterable[Objective]) -> tuple[float, ...]:
    """
    The bounds of confidence that programs must have as bucket edges beside the conventional ones.

    They are what ``configure(thresholds=...)`` takes.
    """
    bounds = {
        each.indicator.at_least
        for each in objectives
        if isinstance(each.indicator, Confidence) and not each.indicator.exact
    }
    return tuple(sorted(bounds.difference(c.CONFIDENCE_EDGES)))


def _edge(field: str, bound: float, edges: Iterable[float], remedy: str) -> None:
    known = sorted(set(edges))
    if bound in known:
        return
    below, above = [e for e in known if e < bound][-1:], [e for e in known if e > bound][:1]
    near = " or ".join(f"{edge:g}" for edge in below + above)
    raise ObjectiveError(
        f"{bound:g} is no bucket edge of the histogram, which knows nothing in between: "
        f"take {near}{remedy}",
        field=field,
    )


def _target(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ObjectiveError(f"must be a number such as 0.99, got {value!r}", field="target")
    if not 0 < value < 1:
        hint = f" (percent? write {value:g}%)" if 1 < value < 100 else ""  # noqa: PLR2004  percent
        raise ObjectiveError(
            f"must be within 0..1, ends excluded, got {value!r}{hint}", field="target"
        )


def _text(field: str, value: Any, pattern: re.Pattern[str], what: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ObjectiveError(f"must be made of {what}, at most 100, got {value!r}", field=field)


def _plain(field: str, value: Any) -> None:
    if not isinstance(value, str):
        raise ObjectiveError(f"must be text, got {value!r}", field=field)
    if len(value) > _LONGEST or not value.replace("\n", " ").isprintable():
        raise ObjectiveError(
            f"must be printable text of at most {_LONGEST} characters, got {value[:80]!r}",
            field=field,
        )


def _pairs(field: str, value: Any) -> Pairs:
    found = tuple(value.items()) if isinstance(value, Mapping) else tuple(value)
    for pair in found:
        if not (isinstance(pair, tuple) and all(isinstance(part, str) and part for part in pair)):
            raise ObjectiveError(f"must be names with texts, got {value!r}", field=field)
    return tuple(sorted(found))


def _own_label(name: str) -> None:
    _text("labels", name, _LABEL, "letters, digits and '_'")
    taken = {c.MODEL_NAME.label, c.MODEL_VERSION.label, "severity", "alertname", "le"}
    if name.startswith(("sloth_", "__")) or name in taken:
        raise ObjectiveError(f"{name!r} is a label of the rules themselves", field="labels")


def _spelled(name: str) -> str:
    try:
        return spelling.label_name(name)
    except ValueError as error:
        raise ObjectiveError(str(error), field="where") from error


def _matcher(name: str, value: str) -> str:
    found = next((each for each in _OPERATORS if value.startswith(each)), "")
    return f"{_spelled(name)}{found or '='}{quoted(value.removeprefix(found))}"


def quoted(text: str) -> str:
    """
    A PromQL string literal that stands for exactly this text.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
