"""
This module asks a server which SQL a query ran, and writes it so that a reader can follow it.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from otel_confidence.errors import QueryError
from otel_confidence.text import clean

Range = tuple[float, float, float]
"""Start, end and step of a range, in seconds."""
_TIMEOUT_S = 120.0
_LONGEST = 20_000


def explanation(
    url: str, headers: Mapping[str, str], expr: str, *, span: Range | None, at: float | None
) -> str:
    """
    The statements, each behind what came of it and before the parameters bound in it.

    Raises:
        QueryError: The server refuses, cannot be reached or explains nothing.
    """
    form = {"query": expr}
    if span is not None:
        form |= {name: str(each) for name, each in zip(("start", "end", "step"), span, strict=True)}
    elif at is not None:
        form["time"] = str(at)
    address = f"{url.rstrip('/')}/api/v1/explain"
    try:
        answer = httpx.post(address, data=form, headers=dict(headers), timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise QueryError(str(error), kind="unavailable", status=503) from error
    return "\n\n".join(_selectors(answer)) or "-- no selector, no SQL"


def _selectors(answer: httpx.Response) -> list[str]:
    try:
        body = answer.json()
        if body["status"] == "error":
            raise QueryError(str(body["error"]), kind=str(body["errorType"]))
        return [_selector(each) for each in body["data"]["selectors"]]
    except (AttributeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise QueryError(
            f"no explanation, status {answer.status_code}: only otel-confidence up explains queries"
        ) from error


def _selector(told: Mapping[str, Any]) -> str:
    took_ms = 1000 * float(told["seconds"])
    lines = [
        f"-- {told['series']} series, {told['rows']} rows, {took_ms:.1f} ms",
        clean(str(told["sql"]), _LONGEST),
        *(clean(f"-- {name} = {value!r}", _LONGEST) for name, value in told["parameters"].items()),
    ]
    return "\n".join(lines)
