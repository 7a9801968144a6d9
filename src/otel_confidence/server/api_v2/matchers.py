"""
This module reads and writes matchers as Alertmanager's HTTP API has them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from otel_confidence.errors import ConfigurationError
from otel_confidence.points import Matcher

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_FILTER: Final = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!=|!~|=)\s*(.*?)\s*", re.DOTALL)
_ESCAPED: Final = re.compile(r'\\([\\n"])')
_MEANT: Final = {"n": "\n", '"': '"', "\\": "\\"}


def filters_of(texts: Sequence[str]) -> list[Matcher]:
    """
    Matchers out of texts such as ``severity="warning"``, whose quotes may be missing.

    Raises:
        ConfigurationError: A text is none.
    """
    return [_filter(text) for text in texts]


def _filter(text: str) -> Matcher:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"bad matcher format: {text}")
    label, op, value = found.groups()
    if value.startswith('"'):
        if len(value) < 2 or not value.endswith('"'):  # noqa: PLR2004  both quotes
            raise ConfigurationError(f"matcher value contains unescaped double quote: {value}")
        value = _ESCAPED.sub(lambda each: _MEANT[each[1]], value[1:-1])
    return Matcher(label, _op(regular="~" in op, equal="!" not in op), value)


def matcher_of(given: Any) -> Matcher:
    """
    A matcher out of its fields.

    Raises:
        ConfigurationError: A field is missing or wrong.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"a matcher must be an object, got {given!r}")
    label, value = given.get("name"), given.get("value")
    regular, equal = given.get("isRegex"), given.get("isEqual", True)
    if not isinstance(label, str) or not _NAME.fullmatch(label):
        raise ConfigurationError(f"the name of a matcher must be like severity, got {label!r}")
    if not isinstance(value, str):
        raise ConfigurationError(f"the value of the matcher {label} must be a text, got {value!r}")
    if not isinstance(regular, bool) or not isinstance(equal, bool):
        raise ConfigurationError(
            f"isRegex and isEqual of the matcher {label} must be true or false"
        )
    return Matcher(label, _op(regular=regular, equal=equal), value)


def _op(*, regular: bool, equal: bool) -> Literal["=", "!=", "=~", "!~"]:
    if regular:
        return "=~" if equal else "!~"
    return "=" if equal else "!="


def fields_of(matcher: Matcher) -> dict[str, Any]:
    """
    The fields of a matcher.
    """
    return {
        "name": matcher.label,
        "value": matcher.value,
        "isRegex": "~" in matcher.op,
        "isEqual": not matcher.op.startswith("!"),
    }
