"""
This module changes the labels of series: ``label_replace``, ``label_join``, ``absent``.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from otel_confidence.points import NAME_LABEL, Labels, Matcher
from otel_confidence.query.literals import is_text, legible
from otel_confidence.query.promql.faults import execution
from otel_confidence.query.promql.frames import Frame
from otel_confidence.query.promql.patterns import matches_nothing

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>\w+)|\{(?P<braced>\w+)\})", re.ASCII)


def with_label(labels: Labels, name: str, value: str) -> Labels:
    """
    Labels with one of them set, or removed when its value is empty.
    """
    rest = {key: old for key, old in labels if key != name}
    if value:
        rest[name] = value
    return tuple(sorted(rest.items()))


def name_of(labels: Labels) -> str:
    """
    The metric's name, empty where there is none.
    """
    for key, value in labels:
        if key == NAME_LABEL:
            return value
    return ""


def keeping(labels: Labels, names: frozenset[str]) -> Labels:
    """
    Only the labels named.
    """
    return tuple([pair for pair in labels if pair[0] in names])


def dropping(labels: Labels, names: frozenset[str]) -> Labels:
    """
    All labels but those named.
    """
    return tuple([pair for pair in labels if pair[0] not in names])


def label_replace(
    frame: Frame,
    hold: Callable[[int], None],
    *,
    target: str,
    replacement: str,
    source: str,
    pattern: Any,
) -> Frame:
    """
    Set a label from another one's value where that matches a pattern as a whole.

    Args:
        frame: The series.
        hold: Told how many characters a label may get, before it gets them; raises to stop.
        target: The label to set.
        replacement: Its value, with references to what the pattern's groups hold.
        source: The other label.
        pattern: The pattern, compiled.
    """
    _check_name("destination", target, "label_replace")
    references = len(_REFERENCE.findall(replacement))

    def change(labels: Labels) -> Labels:
        value = dict(labels).get(source, "")
        hold(len(replacement) + references * len(value))
        found = pattern.search(value)
        if found is None:
            return labels
        return with_label(labels, target, legible(expanded(replacement, found)))

    return frame.relabeled(change)


def expanded(template: str, found: Any) -> str:
    """
    A template with ``$1``, ``$name`` and ``${name}`` replaced by what a match's groups hold.

    A name is as long as it can be, ``$1x`` is the group ``1x``; unknown groups are empty, ``$$``
    is a dollar.
    """
    groups = {str(number): found.group(number) for number in range(found.re.groups + 1)}
    groups.update({name: found.group(name) for name in found.re.groupindex})

    def value(reference: re.Match[str]) -> str:
        if reference["dollar"]:
            return "$"
        name = reference["bare"] or reference["braced"]
        return groups.get(_numbered(name)) or ""

    return _REFERENCE.sub(value, template)


def _numbered(name: str) -> str:
    return str(int(name)) if name.isdecimal() and not name.startswith("0") else name


def label_join(
    frame: Frame,
    hold: Callable[[int], None],
    *,
    target: str,
    separator: str,
    sources: Sequence[str],
) -> Frame:
    """
    Set a label to other labels' values, joined.

    Args:
        frame: The series.
        hold: Told how many characters a label gets, before it gets them; raises to stop.
        target: The label to set.
        separator: What stands between the values.
        sources: The other labels.
    """
    for source in sources:
        _check_name("source", source, "label_join")
    _check_name("destination", target, "label_join")

    def change(labels: Labels) -> Labels:
        named = dict(labels)
        values = [named.get(source, "") for source in sources]
        hold(sum(map(len, values)) + len(separator) * len(values))
        return with_label(labels, target, legible(separator.join(values)))

    return frame.relabeled(change)


def _check_name(role: str, name: str, function: str) -> None:
    if not name or not is_text(name):
        shown = legible(name)
        raise execution(f"invalid {role} label name in {function}(): {shown}")


def labels_of_absence(matchers: Sequence[Matcher]) -> Labels:
    """
    The labels that a selector fixes to one value, which ``absent`` gives its result.

    A label with several conditions counts as fixed or not by the last of them, in the order in
    which Prometheus takes them: those that only take series away come after the others.
    """
    needed = {each.label for each in matchers if not matches_nothing(each)}
    fixed: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in sorted(matchers, key=lambda each: _takes_away(each, needed)):
        if matcher.label == NAME_LABEL:
            continue
        if matcher.op == "=" and matcher.label not in seen:
            fixed[matcher.label] = matcher.value
            seen.add(matcher.label)
        else:
            fixed.pop(matcher.label, None)
    return tuple(sorted((key, value) for key, value in fixed.items() if value))


def _takes_away(matcher: Matcher, needed: set[str]) -> bool:
    negative = matcher.op in ("!=", "!~")
    return matcher.label not in needed or (negative and matches_nothing(matcher))
