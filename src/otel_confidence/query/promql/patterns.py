"""
This module says what matchers mean for a series that lacks the label.
"""

from otel_confidence.points import Matcher
from otel_confidence.store.patterns import compiled


def matches_nothing(matcher: Matcher) -> bool:
    """
    Whether a condition holds for a series that has not the label at all.
    """
    if matcher.op in ("=", "!="):
        return (matcher.value == "") == (matcher.op == "=")
    return (compiled(matcher.value).search("") is not None) == (matcher.op == "=~")
