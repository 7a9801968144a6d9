"""
This module answers a recorder's two questions as Tempo and Loki would: one trace, one event.

It knows what ``otel-confidence doctor --stack`` asks and nothing else: a trace by its id, and the
events of a service that belong to a trace.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from google.protobuf.json_format import MessageToDict

from tools.stack.recorded import Item, Recorded

_TRACE: Final = re.compile(r"/api/traces/([0-9a-f]{32})$")
_EVENTS: Final = "/loki/api/v1/query_range"
_QUERY: Final = re.compile(r'\{service_name="([^"]+)"\} \| trace_id="([0-9a-f]{32})"$')


def answer(recorded: Recorded, path: str) -> tuple[int, Any] | None:
    """
    The status and JSON for a request; None where the path is neither Tempo's nor Loki's.
    """
    parts = urlsplit(path)
    if found := _TRACE.match(parts.path):
        return _trace(recorded, found[1])
    if parts.path == _EVENTS:
        return _events(recorded, parse_qs(parts.query).get("query", [""])[0])
    return None


def _trace(recorded: Recorded, trace_id: str) -> tuple[int, Any]:
    spans = [i.message for i in recorded.spans() if i.message.trace_id.hex() == trace_id]
    batches = [{"scopeSpans": [{"spans": [MessageToDict(span) for span in spans]}]}]
    return (200, {"batches": batches}) if spans else (404, {"error": "trace not found"})


def _events(recorded: Recorded, query: str) -> tuple[int, Any]:
    wanted = _QUERY.match(query)
    if wanted is None:
        return 400, {"error": f"this recorder does not understand {query!r}"}
    service, trace_id = wanted.groups()
    items = [i for i in recorded.events(service) if i.message.trace_id.hex() == trace_id]
    streams = [{"stream": _labels(item), "values": [_line(item)]} for item in items]
    return 200, {"status": "success", "data": {"resultType": "streams", "result": streams}}


def _labels(item: Item) -> dict[str, str]:
    named = {**item.resource, **item.attributes, "trace_id": item.message.trace_id.hex()}
    return {re.sub(r"\W", "_", name): str(value) for name, value in named.items()}


def _line(item: Item) -> list[str]:
    return [str(item.message.time_unix_nano), item.message.body.string_value]
