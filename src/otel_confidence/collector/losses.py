"""
This module finds where a Collector is told to take away what rules, panels and sampling rest on.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import NOTHING, at, items, leaves, text
from otel_confidence.collector.pipelines import Component, Configuration, Route
from otel_confidence.conventions import CONFIDENCE, METRICS
from otel_confidence.located import Located

_NAMES: Final = tuple(metric.name for metric in METRICS)
_LABELS: Final = tuple({each.name for metric in METRICS for each in metric.attributes})
_OF_NAME: Final = r"(not +)?IsMatch\((?:metric\.)?name, *\"(.*)\"\)"
_MATCHES: Final = re.compile(_OF_NAME)
_IS: Final = re.compile(r"(?:metric\.)?name *(==|!=) *\"([^\"]*)\"")
_QUIET: Final = re.compile(r"severity_number *< *SEVERITY_NUMBER_(?:INFO[2-4]|WARN|ERROR|FATAL)")
_METRIC_CONDITIONS: Final = (("metrics", "metric"), ("metric_conditions",))
_LOG_CONDITIONS: Final = (("logs", "log_record"), ("log_conditions",))


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Metrics and events that are filtered out, labels and confidence that are taken away.
    """
    for processor in whole.used("processors"):
        if processor.type == "filter":
            yield from _filtered(processor)
            yield from _quieted(processor)
    for route in whole.routes():
        if route.signal == "metrics":
            yield from _merged(route)
        if route.signal == "traces":
            yield from _blinded(route)


def takes_away(step: Component, name: str) -> Located | None:
    """
    Where a processor removes an attribute of spans or log records, None where it does not.
    """
    if step.type == "redaction" and text(step.place, "allow_all_keys") != "true":
        allowed = [each.text for each in items(at(step.place, "allowed_keys"))]
        return None if name in allowed else step.place
    if step.type == "attributes":
        return _action(step, name, ("delete",))
    deletes = re.compile(rf'delete_key\((?:\w+\.)?attributes, *"{re.escape(name)}"')
    if step.type == "transform":
        return next((leaf for leaf in leaves(step.place) if deletes.search(leaf.text)), None)
    return None


def _action(step: Component, name: str, actions: tuple[str, ...]) -> Located | None:
    for each in items(at(step.place, "actions")):
        if text(each, "key") == name and text(each, "action") in actions:
            return each
    return None


def _filtered(processor: Component) -> Iterator[Finding]:
    for place, drops in _drops(processor):
        lost = [name for name in _NAMES if drops(name)]
        if lost:
            others = f" and {len(lost) - 1} others of ours" if lost[1:] else ""
            yield error(place, f"it drops {lost[0]}{others}", "except names that begin with ml.")


def _drops(processor: Component) -> Iterator[tuple[Located, Callable[[str], bool]]]:
    """
    Where names are filtered by themselves, and which.
    """
    for keys in _METRIC_CONDITIONS:
        for leaf in leaves(at(processor.place, *keys) or NOTHING):
            if (dropped := _condition(leaf.text)) is not None:
                yield leaf, dropped
    for verb in ("include", "exclude"):
        listed = at(processor.place, "metrics", verb)
        if listed is not None:
            yield listed, _listed(listed, wanted=verb == "include")


def _condition(said: str) -> Callable[[str], bool] | None:
    """
    Which names a condition drops, None where something else has to hold too.
    """
    if found := _IS.fullmatch(said.strip()):
        is_it, wanted = found[1] == "==", found[2]
        return lambda name: (name == wanted) == is_it
    if found := _MATCHES.fullmatch(said.strip()):
        kept, pattern = bool(found[1]), found[2].replace("\\\\", "\\")
        return lambda name: _matches(pattern, name) != kept
    return None


def _listed(listed: Located, *, wanted: bool) -> Callable[[str], bool]:
    names = [each.text for each in items(at(listed, "metric_names"))]
    if text(listed, "match_type") == "regexp":
        return lambda name: any(_matches(each, name) for each in names) != wanted
    return lambda name: (name in names) != wanted


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:  # Go's syntax has a few things that Python's has not
        return False


def _quieted(processor: Component) -> Iterator[Finding]:
    for keys in _LOG_CONDITIONS:
        for leaf in leaves(at(processor.place, *keys) or NOTHING):
            if _QUIET.search(leaf.text) and "event_name" not in leaf.text:
                yield warning(
                    leaf, "it drops events of severity INFO, as those of most predictions are",
                    'add: and log.event_name == ""',
                )  # fmt: skip


def _merged(route: Route) -> Iterator[Finding]:
    for step in route.steps:
        if step.type != "attributes":
            continue
        for label in _LABELS:
            taken = _action(step, label, ("delete", "hash"))
            if taken is not None:
                yield error(
                    taken, f"series that differ in {label} alone become one, and rules do not "
                    "find it", "keep it; use another processor for traces and logs",
                )  # fmt: skip


def _blinded(route: Route) -> Iterator[Finding]:
    for step in route.steps[: max(route.position("tail_sampling"), 0)]:
        taken = takes_away(step, CONFIDENCE.name)
        if taken is not None:
            yield error(
                taken, f"it takes {CONFIDENCE.name} away, which sampling goes by",
                f"leave {CONFIDENCE.name} on spans",
            )  # fmt: skip
