"""
This module cuts a batch so that one huge record does not cost its neighbors.

A receiver refuses a request above its limit as a whole: 4 MiB are usual for gRPC, 20 MiB for HTTP.
OpenTelemetry's batches are bounded in number, not in size, and what other libraries put on spans
and log records is not ours to shorten.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

LIMIT: Final = 1_000_000
"""Characters of texts in one request; in UTF-8 at most four times as many bytes."""
_OTHER: Final = 16
"""What any value that is no text counts for."""
_DEPTH: Final = 4
"""Below this, nested values are not looked into."""
_R = TypeVar("_R")


def portions(batch: Sequence[_R], limit: int = LIMIT) -> Iterator[Sequence[_R]]:
    """
    The batch in its order, in portions of at most so many characters; a larger record goes alone.
    """
    start, total = 0, 0
    for place, record in enumerate(batch):
        length = _of_record(record)
        if total + length > limit and place > start:
            yield batch[start:place]
            start, total = place, 0
        total += length
    yield batch[start:] if start else batch


def _of_record(record: Any) -> int:
    log = getattr(record, "log_record", None)
    if log is not None:
        return _length(log.body) + _length(log.attributes)
    events = getattr(record, "events", ())
    return _length(record.attributes) + sum(_length(each.attributes) for each in events)


def _length(value: Any, depth: int = _DEPTH) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if not depth:
        return _OTHER
    if isinstance(value, Mapping):
        return sum(len(str(key)) + _length(below, depth - 1) for key, below in value.items())
    if isinstance(value, Sequence):
        return sum(_length(below, depth - 1) for below in value)
    return _OTHER
