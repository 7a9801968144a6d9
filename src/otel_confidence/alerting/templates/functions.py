"""
This module holds the functions that Prometheus gives to templates.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import re2

from otel_confidence.alerting.durations import milliseconds
from otel_confidence.alerting.templates.builtins import Function
from otel_confidence.alerting.templates.humanizing import (
    duration_of,
    humanize,
    humanize_1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    number_of,
    time_of,
)
from otel_confidence.alerting.templates.values import Record, Texts
from otel_confidence.errors import TemplateError
from otel_confidence.points import Labels

_REFERENCE: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_WORD: Final = re.compile(r"\w+(?:['\u2019.:\u00b7]\w+)*")


@dataclass(frozen=True, slots=True)
class Context:
    """
    When and where a template is carried out.
    """

    query: Callable[[str], Sequence[tuple[Labels, float]]]
    """Answers an expression at the time of evaluation with series and their values."""
    time_ms: int
    external_url: str = ""


def functions(context: Context) -> dict[str, Function]:
    """
    What a template can call beside Go's own functions.
    """
    return {
        **_FIXED,
        "externalURL": Function(lambda: context.external_url),
        "now": Function(lambda: context.time_ms / 1000),
        "pathPrefix": Function(lambda: urlsplit(context.external_url).path),
        "query": Function(lambda text: _samples(context.query(text)), ("string",)),
    }


def sample(labels: Labels, value: float) -> Record:
    """
    One series and its value, as templates see it.
    """
    return Record("*template.sample", {"Labels": Texts(labels), "Value": value})


def _samples(rows: Sequence[tuple[Labels, float]]) -> list[Record]:
    return [sample(labels, value) for labels, value in rows]


def _first(samples: list[Any]) -> Any:
    if not samples:
        raise TemplateError("first() called on vector with no elements")
    return samples[0]


def _by_label(label: str, samples: list[Any]) -> list[Any]:
    return sorted(samples, key=lambda each: each.fields["Labels"].get(label, ""))


def _pattern(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise TemplateError(f"{pattern!r} is no regular expression") from error


def _replaced(pattern: str, replacement: str, text: str) -> str:
    compiled = _pattern(pattern)

    def expanded(found: Any) -> str:
        return _REFERENCE.sub(lambda reference: _group(found, reference), replacement)

    return str(compiled.sub(expanded, text))


def _group(found: Any, reference: re.Match[str]) -> str:
    name = reference[1] or reference[2]
    if name is None:
        return "$"
    groups = {**found.groupdict(), **dict(enumerate((found[0], *found.groups())))}
    return groups.get(int(name) if name.isdecimal() else name) or ""


def _title(text: str) -> str:
    return _WORD.sub(lambda word: word[0][0].upper() + word[0][1:], text)


def _split_port(text: str) -> tuple[str, str] | None:
    """
    Host and port, as Go's net.SplitHostPort tells them apart.
    """
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)", text)
    return None if found is None else (found[1] if found[1] is not None else found[2], found[3])


def _without_port(text: str) -> str:
    parts = _split_port(text)
    return parts[0] if parts else text


def _without_domain(text: str) -> str:
    host, port = _split_port(text) or (text, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        first = host.split(".")[0]
        return f"{first}:{port}" if port else first
    return text


def _seconds(text: str) -> float:
    sign, size = (-1, text[1:]) if text.startswith("-") else (1, text)
    try:
        return sign * milliseconds(size) / 1000
    except ValueError as error:
        raise TemplateError(str(error)) from error


def _link(tab: int) -> Function:
    return Function(lambda text: f"/graph?g0.expr={quote_plus(text)}&g0.tab={tab}", ("string",))


def _of_text(call: Callable[[str], Any]) -> Function:
    return Function(call, ("string",))


def _of_number(call: Callable[[float], Any]) -> Function:
    return Function(lambda value: call(number_of(value)), ("any",))


_FIXED: Final[Mapping[str, Function]] = {
    "args": Function(lambda *given: {f"arg{n}": each for n, each in enumerate(given)}, more="any"),
    "first": Function(_first, ("samples",)),
    "graphLink": _link(0),
    "humanize": _of_number(humanize),
    "humanize1024": _of_number(humanize_1024),
    "humanizeDuration": _of_number(humanize_duration),
    "humanizePercentage": _of_number(humanize_percentage),
    "humanizeTimestamp": _of_number(humanize_timestamp),
    "label": Function(lambda name, each: each.fields["Labels"].get(name, ""), ("string", "sample")),
    "match": Function(
        lambda pattern, text: _pattern(pattern).search(text) is not None, ("string", "string")
    ),
    "parseDuration": _of_text(_seconds),
    "reReplaceAll": Function(_replaced, ("string", "string", "string")),
    "safeHtml": _of_text(str),
    "sortByLabel": Function(_by_label, ("string", "samples")),
    "stripDomain": _of_text(_without_domain),
    "stripPort": _of_text(_without_port),
    "strvalue": Function(lambda each: each.fields["Labels"].get("__value__", ""), ("sample",)),
    "tableLink": _link(1),
    "title": _of_text(_title),
    "toDuration": _of_number(duration_of),
    "toLower": _of_text(str.lower),
    "toTime": _of_number(time_of),
    "toUpper": _of_text(str.upper),
    "urlQueryEscape": _of_text(quote_plus),
    "value": Function(lambda each: each.fields["Value"], ("sample",)),
}
KNOWN: Final = frozenset({*_FIXED, "externalURL", "now", "pathPrefix", "query"})
"""The names of all of them."""
