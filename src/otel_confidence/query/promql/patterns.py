"""
This module compiles regular expressions as PromQL means them.
"""

from typing import Any

import re2

from otel_confidence.points import Matcher
from otel_confidence.query.promql.faults import bad_data


def compiled(pattern: str) -> Any:
    """
    A regular expression (RE2), anchored at both ends, in which a dot matches newlines too.

    Raises:
        QueryError: The pattern is none.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(f"^(?s:{pattern})$", options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        detail = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise bad_data(f"invalid regular expression {pattern!r}: {detail}") from error


def matches_nothing(matcher: Matcher) -> bool:
    """
    Whether a condition holds for a series that has not the label at all.
    """
    if matcher.op in ("=", "!="):
        return (matcher.value == "") == (matcher.op == "=")
    return (compiled(matcher.value).search("") is not None) == (matcher.op == "=~")
