"""
This module says whether two servers gave the same response to the same request.
"""

import math
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from tests.server.replay import differences
from tests.server.replay.answers import Answered
from tests.server.replay.session import Asked
from tests.server.replay.world import World

TOLERANCE: Final = 1e-9
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_OF_THE_PROCESS: Final = frozenset(
    {"revision", "branch", "buildUser", "buildDate", "goVersion", "startTime", "CWD", "hostname",
     "serverTime", "lastConfigTime", "goroutineCount", "GOMAXPROCS", "GOMEMLIMIT", "GOGC",
     "GODEBUG", "storageRetention"}
)  # fmt: skip
"""What tells of the process that runs: compared by type alone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What came of one comparison.
    """

    outcome: str
    """``equal``, ``explained`` or ``different``."""
    reason: str = ""


def compare(asked: Asked, world: World, client: httpx.Client) -> Verdict:
    """
    Send a request to both and compare status, type and body.
    """
    ours, theirs = (_ask(asked, url, client) for url in (world.ours, world.theirs))
    reason = difference(asked, ours, theirs)
    if not reason:
        return Verdict("equal")
    for why, holds in differences.KNOWN:
        if holds(asked, ours, theirs):
            return Verdict("explained", why)
    return Verdict("different", reason)


def _ask(asked: Asked, url: str, client: httpx.Client) -> Answered:
    place, form = f"{url}/api/v1/{asked.path}", urlencode(asked.pairs)
    if asked.method == "POST":
        answer = client.post(place, content=form, headers=_FORM)
    else:
        answer = client.request(asked.method, f"{place}?{form}" if form else place)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    return Answered(answer.status_code, kind, answer.text)


def difference(asked: Asked, ours: Answered, theirs: Answered) -> str:
    """
    The first thing that differs, or nothing.
    """
    if (ours.status, ours.kind) != (theirs.status, theirs.kind):
        return f"{ours}, not {theirs}"
    if ours.kind != "application/json":
        return "" if ours.status == theirs.status else "other content"
    return _unlike(_ordered(asked, ours.body), _ordered(asked, theirs.body), "")


def _ordered(asked: Asked, body: Any) -> Any:
    # Prometheus promises an order of series only where a query sorts them.
    data = body.get("data")
    if asked.path == "series" and isinstance(data, list):
        return {**body, "data": sorted(data, key=_key)}
    rows = data.get("result") if isinstance(data, dict) else None
    if rows and isinstance(rows[0], dict) and not _is_sorted(asked):
        return {
            **body,
            "data": {**data, "result": sorted(rows, key=lambda row: _key(row["metric"]))},
        }
    return body


def _is_sorted(asked: Asked) -> bool:
    return asked.path == "query" and dict(asked.pairs).get("query", "").startswith(("sort", "topk"))


def _key(labels: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(labels.items())


def _unlike(ours: Any, theirs: Any, at: str) -> str:
    if type(ours) is not type(theirs) and not _both_numbers(ours, theirs):
        return f"{at}: {_short(ours)}, not {_short(theirs)}"
    if isinstance(ours, dict):
        if ours.keys() != theirs.keys():
            return f"{at}: {_short(ours.keys() ^ theirs.keys())} on one side"
        pairs = [(f"{at}.{key}", ours[key], theirs[key]) for key in ours]
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{at}: {len(ours)} of them, not {len(theirs)}: {_short(ours)}; {_short(theirs)}"
        pairs = [(f"{at}[{n}]", *both) for n, both in enumerate(zip(ours, theirs, strict=True))]
    else:
        same = at.rpartition(".")[2] in _OF_THE_PROCESS or _same(ours, theirs, at)
        return "" if same else f"{at}: {_short(ours)}, not {_short(theirs)}"
    return next((found for where, a, b in pairs if (found := _unlike(a, b, where))), "")


def _both_numbers(ours: Any, theirs: Any) -> bool:
    kinds = {type(ours), type(theirs)}
    return kinds <= {int, float}


def _same(ours: Any, theirs: Any, at: str) -> bool:
    if ours == theirs or ".value" not in at or not isinstance(ours, str):
        return bool(ours == theirs)
    return math.isclose(float(ours), float(theirs), rel_tol=TOLERANCE)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 160 else f"{text[:160]}…"
