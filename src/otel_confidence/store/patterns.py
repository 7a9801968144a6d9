"""
This module compiles regular expressions as PromQL means them.
"""

from typing import Any

import re2

from otel_confidence.errors import QueryError


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
        raise QueryError(f"invalid regular expression {pattern!r}: {detail}") from error
