"""
This module tells truths late, twice and damaged, and compares what is counted with numpy.

One process predicts and leaves nothing but receipts in a file. Another process records the outcomes
with the SDK; and they are posted in batches of every format to a server that is killed on the way.
A third of the truths is told twice, a tenth of the receipts is damaged.

Run it by ``python -m tests.campaigns.late_truth``; status 1 if anything differs.
"""

import argparse
import contextlib
import csv
import io
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from tests.running import Up, start, stop, until

import otel_confidence as oc

LABELS = 10
TOLERANCE = 1e-9
PARTS = ("predictions", "correct", "confidence", "squared_error")
EXACT = 2
"""How many of the parts are counts, which must be equal."""

Sums = NDArray[np.float64]
Record = dict[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was predicted, what is true, and in which order it is told."""

    confidences: Sums
    predicted: NDArray[np.int64]
    truths: NDArray[np.int64]
    damaged: NDArray[np.bool_]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, predictions: int, seed: int) -> "Plan":
        """A plan drawn at random; some confidences lie on the very edges of bins."""
        draw = np.random.default_rng(seed)
        confidences = draw.random(predictions)
        edges = draw.random(predictions) < 0.2
        confidences[edges] = confidences[edges].round(1)
        predicted = draw.integers(LABELS, size=predictions)
        right = draw.random(predictions) < confidences**2
        truths = np.where(right, predicted, (predicted + 1) % LABELS)
        damaged = np.zeros(predictions, np.bool_)
        damaged[draw.permutation(predictions)[: predictions // 10]] = True
        twice = draw.permutation(predictions)[: predictions // 3]
        order = draw.permutation(np.concatenate([np.arange(predictions), twice]))
        return cls(confidences, predicted, truths, damaged, order)

    def sums(self) -> Sums:
        """Numpy's own result: shape [parts, bins] over the truths that are not damaged."""
        confidences = self.confidences[~self.damaged]
        right = (self.predicted == self.truths)[~self.damaged].astype(np.float64)
        bins = np.searchsorted(np.arange(1, 11) / 10, confidences, side="left")
        weights = (None, right, confidences, (confidences - right) ** 2)
        return np.stack([np.bincount(bins, w, minlength=10).astype(float) for w in weights])

    def tallies(self) -> dict[str, int]:
        """How many of what is told are accepted, duplicates and refused."""
        refused = int(self.damaged[self.order].sum())
        accepted = int((~self.damaged).sum())
        return {
            "accepted": accepted,
            "duplicate": len(self.order) - refused - accepted,
            "refused": refused,
        }


def predict(folder: Path, predictions: int, seed: int) -> None:
    """Make the predictions and leave their receipts in a file; run in a process of its own."""
    plan = Plan.of(predictions, seed)
    telemetry = oc.Telemetry(MeterProvider(shutdown_on_exit=False), TracerProvider())
    draw = random.Random(seed)

    @oc.track_confidence(model="m", version="1", confidence="p", label="y", telemetry=telemetry)
    def classify(place: int) -> dict[str, float]:
        return {"p": float(plan.confidences[place]), "y": int(plan.predicted[place])}

    receipts = []
    for place in range(predictions):
        classify(place)
        receipts.append(oc.last_receipt())
    with (folder / "told.csv").open("w", encoding="ascii") as file:
        for place in plan.order.tolist():
            receipt = receipts[place]
            text = damaged(receipt, draw) if plan.damaged[place] else receipt
            file.write(f"{text},{plan.truths[place]}\n")


def damaged(receipt: str, draw: random.Random) -> str:
    """The receipt with one character changed, cut short, or with a part of another in it."""
    at = draw.randrange(len(receipt))
    match draw.randrange(4):
        case 0:
            other = draw.choice([char for char in "AZaz09-_" if char != receipt[at]])
            return receipt[:at] + other + receipt[at + 1 :]
        case 1:
            return receipt[:at]
        case 2:
            return receipt[:at] + receipt[at:].swapcase() + "A"
        case _:
            return receipt + receipt[at:]


def record(folder: Path) -> None:
    """Record the outcomes with the SDK and say what was counted; run in a process of its own."""
    reader = InMemoryMetricReader()
    telemetry = oc.Telemetry(MeterProvider([reader], shutdown_on_exit=False))
    for told in _told(folder):
        oc.record_outcome(told["receipt"], label=told["label"], telemetry=telemetry)
    data = reader.get_metrics_data()
    scopes = [s for r in data.resource_metrics for s in r.scope_metrics] if data else []
    metrics = {m.name: m.data.data_points for s in scopes for m in s.metrics}
    sums = np.zeros((len(PARTS), 10))
    for row, part in enumerate(PARTS):
        for point in metrics[f"ml.calibration.{part}"]:
            sums[row, _bin(str((point.attributes or {})["ml.calibration.bin"]))] += _value(point)
    dropped = {
        str((p.attributes or {})["otel_confidence.reason"]): int(_value(p))
        for p in metrics["otel_confidence.dropped"]
    }
    tallies = {
        "accepted": int(sum(_value(p) for p in metrics["ml.prediction.outcomes"])),
        "duplicate": dropped.get("duplicate", 0),
        "refused": dropped.get("invalid_receipt", 0),
    }
    sys.stdout.write(json.dumps({"sums": sums.tolist(), "tallies": tallies}))


def post(folder: Path, *, kills: int, seed: int, size: int) -> tuple[Sums, dict[str, int], int]:
    """Post the outcomes to a server killed on the way; its sums, answers and how often killed."""
    records = list(_told(folder))
    batches = [records[at : at + size] for at in range(0, len(records), size)]
    fatal = set(random.Random(seed).sample(range(len(batches)), min(kills, len(batches))))
    up = start(folder / "data")
    tallies, span_s = {"accepted": 0, "duplicate": 0, "refused": 0}, 1.0
    try:
        for number, batch in enumerate(batches):
            if number in fatal:
                up = _kill_while(up, batch, number, span_s)
            began = time.perf_counter()
            for name, told in _post(up, batch, number).items():
                tallies[name] += told
            span_s = time.perf_counter() - began
        return _counted(up), tallies, len(fatal)
    finally:
        stop(up)


def _kill_while(up: Up, batch: Sequence[Record], number: int, span_s: float) -> Up:
    """Kill the server at some moment of a request of about this length; the one after it."""
    body, kind = _body(batch, number)
    sending = threading.Thread(target=_send, args=(f"{up.http}/api/v1/outcomes", body, kind))
    deadline = time.monotonic() + 1.3 * span_s * random.Random(number).random()
    sending.start()
    until(lambda: time.monotonic() > deadline or not sending.is_alive())
    up.process.kill()
    up.process.communicate()
    sending.join()
    return start(up.data)


def _send(url: str, body: bytes, kind: str) -> None:
    """Post, and leave what becomes of it."""
    with contextlib.suppress(httpx.TransportError):
        httpx.post(url, content=body, headers={"Content-Type": kind}, timeout=60)


def _post(up: Up, batch: Sequence[Record], number: int) -> Mapping[str, int]:
    body, kind = _body(batch, number)
    url = f"{up.http}/api/v1/outcomes"
    answer = httpx.post(url, content=body, headers={"Content-Type": kind}, timeout=120)
    assert answer.status_code in {200, 207}, answer.text[:500]
    found: dict[str, Any] = answer.json()
    assert len(batch) == len(found["results"])
    return {name: found[name] for name in ("accepted", "duplicate", "refused")}


def _body(batch: Sequence[Record], number: int) -> tuple[bytes, str]:
    writers: tuple[tuple[Callable[[Sequence[Record]], bytes], str], ...] = (
        (lambda told: json.dumps(told).encode(), "application/json"),
        (lambda told: "\n".join(map(json.dumps, told)).encode(), "application/x-ndjson"),
        (_csv, "text/csv"),
        (_parquet, "application/vnd.apache.parquet"),
    )
    write, kind = writers[number % len(writers)]
    return write(batch), kind


def _csv(batch: Sequence[Record]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["receipt", "label"])
    writer.writeheader()
    writer.writerows(batch)
    return text.getvalue().encode()


def _parquet(batch: Sequence[Record]) -> bytes:
    made = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(batch)), made)
    return made.getvalue()


def _counted(up: Up) -> Sums:
    """What the server's Prometheus API says."""
    sums = np.zeros((len(PARTS), 10))
    for row, part in enumerate(PARTS):
        query = f'sum by (ml_calibration_bin) (ml_calibration_{part}_total{{ml_model_name="m"}})'
        answer = httpx.get(f"{up.http}/api/v1/query", params={"query": query}, timeout=60).json()
        for found in answer["data"]["result"]:
            sums[row, _bin(found["metric"]["ml_calibration_bin"])] = float(found["value"][1])
    return sums


def _told(folder: Path) -> Iterator[Record]:
    with (folder / "told.csv").open(encoding="ascii") as file:
        for receipt, label in csv.reader(file):
            yield {"receipt": receipt, "label": label}


def _bin(edge: str) -> int:
    return round(float(edge) * 10) - 1


def _value(point: Any) -> float:
    return float(point.value)


def differences(found: Sums, expected: Sums) -> tuple[int, float]:
    """How many counts differ, and by how much, relatively, the sums do."""
    counts = int((found[:EXACT] != expected[:EXACT]).sum())
    off = np.abs(found[EXACT:] - expected[EXACT:]) / np.maximum(np.abs(expected[EXACT:]), 1e-300)
    return counts, float(off.max())


def in_process(*arguments: object) -> str:
    """Run a part of the campaign in a process of its own; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns.late_truth", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def run(
    folder: Path, *, predictions: int, kills: int, seed: int, size: int = 5_000
) -> Iterator[str]:
    """The campaign, line by line; raises AssertionError where anything differs."""
    numbers, plan = count(), Plan.of(predictions, seed)
    clock = time.perf_counter()

    def took() -> str:
        nonlocal clock
        before, clock = clock, time.perf_counter()
        return f"{next(numbers)}. {clock - before:6.1f} s"

    in_process("predict", folder, predictions, seed)
    yield f"{took()}  {predictions:,} predictions, {len(plan.order):,} truths to tell"
    said = json.loads(in_process("record", folder))
    recorded = np.array(said["sums"])
    yield f"{took()}  recorded with the SDK: {said['tallies']}"
    posted, tallies, again = post(folder, kills=kills, seed=seed, size=size)
    yield f"{took()}  posted to the server, killed {again} times: {tallies}"
    expected = plan.sums()
    yield from _table(expected, recorded, posted)
    for name, sums in (("SDK", recorded), ("server", posted)):
        counts, off = differences(sums, expected)
        yield f"{name}: {counts} counts differ from numpy's, sums by at most {off:.1e} relatively"
        assert counts == 0, name
        assert off <= TOLERANCE, name
    assert plan.tallies() == said["tallies"], plan.tallies()
    assert plan.tallies()["refused"] == tallies["refused"]
    assert len(plan.order) == sum(tallies.values())


def _table(*sums: Sums) -> Iterator[str]:
    yield "  bin part            numpy               SDK                 server"
    for row, part in enumerate(PARTS):
        for place in range(10):
            cells = "".join(f"{each[row, place]:<20.17g}" for each in sums)
            yield f"  {(place + 1) / 10:3} {part:15} {cells}"


def main() -> None:
    """Print the campaign; status 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--size", type=int, default=5_000, help="records in one request")
    parser.add_argument("--seed", type=int, default=20_261_122)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = run(
            Path(folder),
            predictions=asked.predictions,
            kills=asked.kills,
            seed=asked.seed,
            size=asked.size,
        )
        for line in lines:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["predict"]:
        predict(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["record"]:
        record(Path(sys.argv[2]))
    else:
        main()
