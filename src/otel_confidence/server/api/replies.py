"""
This module writes the answers of the Prometheus HTTP API as JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isal import igzip
from starlette.responses import Response

from otel_confidence.errors import OtelConfidenceError, QueryError
from otel_confidence.points import Exemplar, Labels, Selection
from otel_confidence.query.answers import Answer
from otel_confidence.query.numbers import json_number, json_time
from otel_confidence.server.api import pairs

SHOWN_WARNINGS = 10
TRUNCATED = "results truncated due to limit"
_INFO = "PromQL info"
_JSON = "application/json"
_VARY = {"Vary": "Accept-Encoding"}
_WORTH_PACKING = 4096
"""Bytes; less fits into a few packets anyway."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What a request gets: JSON text, and what is to be said with it.
    """

    data: str
    warnings: tuple[str, ...] = ()


NOTHING = Reply("")
"""What an address that has nothing to say answers: status 204."""


def plain(data: Any, warnings: tuple[str, ...] = ()) -> Reply:
    """
    A reply of lists, mappings and texts.
    """
    return Reply(_json(data), warnings)


def listed(found: Sequence[Any], limit: int) -> Reply:
    """
    A reply that is a list, cut to the limit.
    """
    if limit and len(found) > limit:
        return plain(list(found[:limit]), (TRUNCATED,))
    return plain(list(found))


def success(reply: Reply, *, packed: bool = False) -> Response:
    """
    The response to a request that could be answered.

    Args:
        reply: What to answer.
        packed: Whether the client takes gzip.
    """
    if reply is NOTHING:
        return Response(status_code=204)
    warnings = [text for text in reply.warnings if not text.startswith(_INFO)]
    infos = [text for text in reply.warnings if text.startswith(_INFO)]
    said = "".join(
        f',"{name}":{_json(_shortened(texts, kind))}'
        for name, texts, kind in (("warnings", warnings, "warning"), ("infos", infos, "info"))
        if texts
    )
    text = f'{{"status":"success","data":{reply.data}{said}}}'.encode()
    if packed and len(text) >= _WORTH_PACKING:
        text, headers = igzip.compress(text, 1), {"Content-Encoding": "gzip"}
        return Response(text, 200, {**_VARY, **headers}, media_type=_JSON)
    return Response(text, 200, _VARY, media_type=_JSON)


def failure(error: OtelConfidenceError) -> Response:
    """
    The response to a request that could not be answered.
    """
    kind, status = ("internal", 500)
    if isinstance(error, QueryError):
        kind, status = error.kind, error.status
    body = {"status": "error", "errorType": kind, "error": str(error)}
    return Response(_json(body).encode(), status, media_type=_JSON)


def unread(status: int, reason: str) -> Response:
    """
    The response to a request whose form is not read to its end.
    """
    late = status == 408  # noqa: PLR2004  the one status that is about time
    error = QueryError(reason, kind="timeout" if late else "bad_data", status=408 if late else 400)
    response = failure(error)
    response.headers["Connection"] = "close"
    return response


def takes_gzip(accepted: str) -> bool:
    """
    Whether a client that accepts these encodings takes gzip.
    """
    named = (each.replace(" ", "").partition(";") for each in accepted.lower().split(","))
    return any(name in ("gzip", "*") and weight != "q=0" for name, _, weight in named)


def _shortened(texts: list[str], kind: str) -> list[str]:
    more = len(texts) - SHOWN_WARNINGS
    if more <= 0:
        return texts
    return [*texts[:SHOWN_WARNINGS], f"{more} more {kind} annotations omitted"]


def result(answer: Answer, *, limit: int = 0) -> Reply:
    """
    The reply to a query.

    Args:
        answer: What the query answers.
        limit: How many series at most; 0 for all.
    """
    series = answer.series
    warnings = answer.warnings
    if limit and len(series) > limit and answer.kind in ("vector", "matrix"):
        series, warnings = series[:limit], (*warnings, TRUNCATED)
    written = {"vector": _vector, "matrix": _matrix, "scalar": _scalar}
    if answer.kind == "string":
        text = f"[{json_time(answer.time_ms)},{_json(answer.text)}]"
    else:
        text = written[answer.kind](series)
    return Reply(f'{{"resultType":"{answer.kind}","result":{text}}}', warnings)


def _vector(series: tuple[Selection, ...]) -> str:
    return _rows(series, '{"metric":', ',"value":', "}")


def _matrix(series: tuple[Selection, ...]) -> str:
    return _rows(series, '{"metric":', ',"values":[', "]}")


def _rows(series: tuple[Selection, ...], before: str, between: str, after: str) -> str:
    rows = (
        f"{before}{_labels(each.labels)}{between}{samples}{after}"
        for each, samples in zip(series, pairs.joined(series), strict=True)
    )
    return f"[{','.join(rows)}]"


def _scalar(series: tuple[Selection, ...]) -> str:
    (sample,) = pairs.joined(series)
    return sample


def exemplars(found: Sequence[Exemplar]) -> Reply:
    """
    The reply to a query of exemplars, grouped by series.
    """
    groups: dict[Labels, list[str]] = {}
    for each in found:
        groups.setdefault(each.series.labels, []).append(
            f'{{"labels":{_labels(each.labels)},"value":"{json_number(each.value)}",'
            f'"timestamp":{json_time(each.time_ms)}}}'
        )
    rows = (
        f'{{"seriesLabels":{_labels(labels)},"exemplars":[{",".join(texts)}]}}'
        for labels, texts in sorted(groups.items())
    )
    return Reply(f"[{','.join(rows)}]")


def _labels(labels: Labels) -> str:
    return _json(dict(labels))


def _json(data: Any) -> str:
    return _ENCODER.encode(data)
