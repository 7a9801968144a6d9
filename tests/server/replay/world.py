"""
This module runs a real ``up`` and a real Prometheus and sends both the same bytes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from tests import remote
from tests.model_history import History
from tests.query.differential import dataset, reference
from tests.running import running

from otel_confidence.points import NAME_LABEL, Labels

START_S: Final = dataset.START_S
END_S: Final = START_S + dataset.LENGTH_S
MODELS: Final = (("digits", "1"), ("digits", "2"), ("spam", "1"))
EXEMPLARS_EVERY: Final = 20
_SERIES_PER_REQUEST: Final = 100
_EDGES: Final = (0.5, 0.7, 0.9, 0.95, 0.99)
_EXEMPLARS: Final = "--enable-feature=exemplar-storage"


@dataclass(frozen=True, slots=True)
class World:
    """
    Two servers that hold the same.
    """

    ours: str
    theirs: str


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """
    Both servers, filled.
    """
    theirs, none = folder / "prometheus", folder / "no_rules.yml"
    theirs.mkdir()
    none.write_text("groups: []\n", encoding="ascii")
    with (
        running(folder / "up", "--retention", "20y", "--rules", str(none)) as up,
        reference.started(theirs, _EXEMPLARS) as url,
    ):
        found = World(up.http, url)
        for body in requests():
            for address in (found.ours, found.theirs):
                _write(address, body)
        yield found


def requests() -> list[bytes]:
    """
    Three models' telemetry with exemplars, and series with every oddity, as remote write.
    """
    points: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
    for seed, (model, version) in enumerate(MODELS):
        history = History(
            model, START_S, END_S, version, per_second=2, failing=0.02,
            edges=_EDGES, seed=seed, report_s=15,
        )  # fmt: skip
        for sample in history.samples():
            points[sample.series.labels].append((sample.time_ms, sample.value))
    for each in dataset.recorded():
        pairs = zip(each.times_ms.tolist(), each.values.tolist(), strict=True)
        points[each.labels].extend(pairs)
    written = [_series(labels, found) for labels, found in sorted(points.items())]
    return [
        b"".join(written[start : start + _SERIES_PER_REQUEST])
        for start in range(0, len(written), _SERIES_PER_REQUEST)
    ]


def _series(labels: Labels, points: Sequence[tuple[int, float]]) -> bytes:
    name = dict(labels).get(NAME_LABEL, "")
    linked = points[::EXEMPLARS_EVERY] if name.endswith("confidence_bucket") else []
    exemplars = b"".join(
        remote.exemplar([("trace_id", f"{at:032x}"), ("span_id", f"{at:016x}")], at - 1, 0.25)
        for at, _ in linked
    )
    return remote.series(labels, points, exemplars)


def _write(url: str, body: bytes) -> None:
    answer = httpx.post(
        f"{url}/api/v1/write", content=remote.packed(body), headers=remote.V1, timeout=60
    )
    assert answer.is_success, answer.text
