"""
This module names the ways in which a query can fail, as Prometheus's HTTP API does.
"""

from otel_confidence.errors import QueryError

DUPLICATE_LABELS = "vector cannot contain metrics with the same labelset"


def bad_data(message: str) -> QueryError:
    """
    The request itself is wrong: status 400.
    """
    return QueryError(message, kind="bad_data", status=400)


def execution(message: str) -> QueryError:
    """
    The query is well formed but cannot be evaluated on this data: status 422.
    """
    return QueryError(message, kind="execution", status=422)


def timeout(message: str) -> QueryError:
    """
    The query took longer than it may: status 503.
    """
    return QueryError(message, kind="timeout", status=503)


def canceled(message: str) -> QueryError:
    """
    Nobody waits for the answer any more: status 499, which no one reads.
    """
    return QueryError(message, kind="canceled", status=499)


def too_many_samples() -> QueryError:
    """
    The query would hold more samples in memory than it may.
    """
    return execution("query processing would load too many samples into memory in query execution")
