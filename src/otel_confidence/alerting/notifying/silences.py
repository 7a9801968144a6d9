"""
This module holds silences: alerts that nobody is to be told of for a while.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from otel_confidence.errors import ConfigurationError, QueryError
from otel_confidence.points import NAME_LABEL, Matcher
from otel_confidence.query.promql.parsing import selector
from otel_confidence.query.promql.patterns import matches_nothing
from otel_confidence.store.patterns import compiled


@dataclass(frozen=True, slots=True)
class Silence:
    """
    A silence over the alerts that fulfil every matcher, from a time to a time.
    """

    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int
    comment: str
    by: str = ""
    id: str = field(default="")
    updated_ms: int = 0
    """When it was made or changed."""

    def __post_init__(self) -> None:
        if not self.matchers:
            raise ConfigurationError("a silence needs at least one matcher")
        if all(matches_nothing(matcher) for matcher in self.matchers):
            raise ConfigurationError("a silence needs a matcher that the empty text does not meet")
        if self.ends_ms <= self.starts_ms:
            raise ConfigurationError("a silence must end after its start")
        if not self.comment.strip():
            raise ConfigurationError("a silence needs a comment that says why")

    def active(self, at_ms: int) -> bool:
        """
        Whether it holds at a time.
        """
        return self.starts_ms <= at_ms < self.ends_ms

    def covers(self, labels: Mapping[str, str]) -> bool:
        """
        Whether it is about an alert with these labels.
        """
        return covered(labels, self.matchers)


def covered(labels: Mapping[str, str], matchers: Sequence[Matcher]) -> bool:
    """
    Whether labels fulfil every matcher.
    """
    return all(_meets(labels.get(each.label, ""), each) for each in matchers)


def matchers_of(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """
    Matchers out of texts such as ``severity="warning"`` and ``ml_model_name=~"a.*"``.

    Raises:
        ConfigurationError: A text is none.
    """
    try:
        # A selector must not match everything, which one matcher of several may.
        found = [selector(f'{{{NAME_LABEL}="_",{text}}}') for text in texts]
    except QueryError as error:
        reason = f'expected matchers such as severity="warning": {error}'
        raise ConfigurationError(reason) from error
    return tuple(each for matchers in found for each in matchers if each.label != NAME_LABEL)


def matcher_text(matcher: Matcher) -> str:
    """
    A matcher as it is written.
    """
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.label}{matcher.op}"{value}"'


def _meets(value: str, matcher: Matcher) -> bool:
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return (compiled(matcher.value).search(value) is not None) == (matcher.op == "=~")
