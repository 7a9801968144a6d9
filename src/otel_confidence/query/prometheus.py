"""
This module asks PromQL of a server of the Prometheus HTTP API.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from otel_confidence.errors import MissingExtraError, QueryError
from otel_confidence.points import Labels, Selection
from otel_confidence.query.answers import Answer

try:
    import httpx
except ModuleNotFoundError as missing:
    raise MissingExtraError("a client of Prometheus needs 'httpx'", "server") from missing

_ODD: Final = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
"""What reading an answer ends with whose shape is not Prometheus's."""


class PrometheusClient:
    """
    A client of Prometheus, or of anything with its API: Mimir, Thanos, ``otel-confidence up``.

    Args:
        url: The server's address, such as ``http://localhost:9090``.
        headers: Sent with each request, for instance a tenant or a token.
        timeout_s: How long to wait for an answer.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 120.0
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/", headers=dict(headers or {}), timeout=timeout_s
        )

    def close(self) -> None:
        """
        Give back the connections.
        """
        self._http.close()

    def query(self, expr: str, *, at: float | None = None) -> Answer:
        """
        The value of an expression at one time.

        Args:
            expr: The expression, in PromQL.
            at: Epoch seconds; the server's present when not given.

        Raises:
            QueryError: The server refuses, cannot be reached or answers something else.
        """
        form = {"query": expr} if at is None else {"query": expr, "time": f"{at:.3f}"}
        return self._ask("query", form)

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> Answer:
        """
        The values of an expression at ``start``, ``start + step`` … up to ``end``.

        Args:
            expr: The expression, in PromQL.
            start: Epoch seconds of the first evaluation.
            end: Epoch seconds after which none is made.
            step: Seconds between evaluations.

        Raises:
            QueryError: The server refuses, cannot be reached or answers something else.
        """
        form = {
            "query": expr,
            "start": f"{start:.3f}",
            "end": f"{end:.3f}",
            "step": f"{step:.3f}",
        }
        return self._ask("query_range", form)

    def _ask(self, path: str, form: Mapping[str, str]) -> Answer:
        try:
            response = self._http.post(path, data=dict(form))
        except httpx.TimeoutException as error:
            raise QueryError(f"no answer in time: {error}", kind="timeout", status=503) from error
        except httpx.HTTPError as error:
            raise QueryError(f"cannot ask: {error}", kind="unavailable", status=503) from error
        return _answer(_body(response))


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError) as error:
        raise _foreign(f"status {response.status_code}, no JSON") from error
    if not isinstance(body, dict) or body.get("status") not in ("success", "error"):
        raise _foreign(f"status {response.status_code}, JSON of another shape")
    if body["status"] == "error":
        message, kind = str(body.get("error")), str(body.get("errorType"))
        raise QueryError(message, kind=kind, status=response.status_code)
    return body


def _foreign(what: str) -> QueryError:
    return QueryError(
        f"the server does not answer as the Prometheus HTTP API does: {what}",
        kind="internal",
        status=502,
    )


def _answer(body: Mapping[str, Any]) -> Answer:
    try:
        warnings = tuple(
            str(each) for name in ("warnings", "infos") for each in body.get(name) or ()
        )
        kind, found = body["data"]["resultType"], body["data"]["result"]
        if kind == "string":
            moment, text = found
            return Answer("string", (), warnings, str(text), round(float(moment) * 1000))
        if kind == "scalar":
            return Answer("scalar", (_selection((), [found]),), warnings)
        if kind in ("vector", "matrix"):
            return Answer(kind, tuple(_series(each) for each in found), warnings)
    except _ODD as error:
        raise _foreign(f"data of another shape ({type(error).__name__}: {error})") from error
    raise _foreign(f"a result of type {kind!r}")


def _series(row: Mapping[str, Any]) -> Selection:
    if "histogram" in row or "histograms" in row:
        raise QueryError(
            f"native histograms are not supported, the answer has one for {row['metric']}",
            kind="execution",
            status=422,
        )
    labels = tuple(sorted((str(key), str(value)) for key, value in row["metric"].items()))
    return _selection(labels, row["values"] if "values" in row else [row["value"]])


def _selection(labels: Labels, pairs: list[tuple[float, str]]) -> Selection:
    return Selection(
        labels,
        np.array([round(float(moment) * 1000) for moment, _ in pairs], dtype=np.int64),
        np.array([float(value) for _, value in pairs], dtype=np.float64),
    )
