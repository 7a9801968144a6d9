"""
This module reads what stands in an expression about labels: conditions, and lists of names.
"""

from typing import Final, Literal

from otel_confidence.errors import QueryError
from otel_confidence.points import NAME_LABEL, Matcher
from otel_confidence.query.literals import is_text, legible, quoted, unquoted
from otel_confidence.query.promql.cursor import Cursor
from otel_confidence.query.promql.tokens import IDENTIFIER, METRIC, STRING, WORDS
from otel_confidence.store.patterns import compiled

_LABELS: Final = frozenset({IDENTIFIER, METRIC, *WORDS} - {"without"})
"""Tokens that may be the name of a label to group or match by; Prometheus has forgotten one."""


def grouping_labels(cursor: Cursor) -> tuple[str, ...]:
    """
    The names of labels in parentheses.
    """
    cursor.required("(", "grouping opts", '"("')
    labels: list[str] = []
    while cursor.taken(")") is None:
        labels.append(_grouping_label(cursor))
        if cursor.token.kind not in (",", ")"):
            cursor.unexpected("grouping opts", '"," or ")"')
        if cursor.taken(",") is not None and cursor.token.kind == ",":
            cursor.unexpected("grouping opts", "label")
    return tuple(labels)


def _grouping_label(cursor: Cursor) -> str:
    if cursor.token.kind == STRING:
        token = cursor.take()
        name = unquoted(token.text)
        if not name or not is_text(name):
            raise cursor.fault(token.start, f"invalid label name for grouping: {quoted(name)}")
        return name
    if cursor.token.kind not in _LABELS:
        cursor.unexpected("grouping opts", "label")
    return cursor.take().text


def conditions(cursor: Cursor) -> tuple[Matcher, ...]:
    """
    The conditions in braces.
    """
    cursor.take()
    matchers: list[Matcher] = []
    while cursor.taken("}") is None:
        matchers.append(_matcher(cursor))
        if cursor.token.kind not in (",", "}"):
            cursor.unexpected("label matching", '"," or "}"')
        if cursor.taken(",") is not None and cursor.token.kind == ",":
            cursor.unexpected("label matching", 'identifier or "}"')
    return tuple(matchers)


def _matcher(cursor: Cursor) -> Matcher:
    label = cursor.token
    if label.kind not in (IDENTIFIER, STRING):
        cursor.unexpected("label matching", 'identifier or "}"')
    cursor.take()
    name = unquoted(label.text) if label.kind == STRING else label.text
    operator = _matching_sign(cursor.token.kind)
    if operator is None:
        if label.kind == IDENTIFIER:
            cursor.unexpected("label matching", "label matching operator")
        return Matcher(NAME_LABEL, "=", legible(name))
    cursor.take()
    value = unquoted(cursor.required(STRING, "label matching", "string").text)
    if operator in ("=~", "!~"):
        _check_pattern(cursor, label.start, value)
    return Matcher(legible(name), operator, legible(value))


def _check_pattern(cursor: Cursor, start: int, pattern: str) -> None:
    try:
        compiled(legible(pattern))
    except QueryError as error:
        raise cursor.fault(start, str(error)) from error


def _matching_sign(kind: str) -> Literal["=", "!=", "=~", "!~"] | None:
    match kind:
        case "=" | "!=" | "=~" | "!~":
            return kind
        case _:
            return None
