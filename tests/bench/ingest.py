"""This module measures how fast a real server takes points, and how fast a store gives them back.

Run it by ``python -m tests.bench.ingest``. Series are steady: each was sent once before the clock
starts. Processor time is the server's own, all of its threads and the engine's merges included; it
says more than points a second where clients share the machine with the server.
"""

import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from tests.load import request
from tests.remote import V1, V2, Symbols, field, packed, sample, series
from tests.running import Up, running

from otel_confidence.ingest import otlp
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.ingest.remote_write import RemoteWriter
from otel_confidence.points import Batch, Matcher, Samples, Series
from otel_confidence.store import Store

WIDTH = 2_000
SECONDS = 8.0
BODIES = 20
OTLP = {"Content-Type": "application/x-protobuf"}


@dataclass(frozen=True)
class Door:
    """One way in: where it is, and what a request of one worker at one time looks like."""

    name: str
    address: Callable[[Up], str]
    headers: Mapping[str, str]
    body: Callable[[int, int], bytes]


def main() -> None:
    """Print points a second and processor time a point by door, and the time of selections."""
    _decode()
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder) / "up") as up:
            for door in DOORS:
                for clients in (1, 4):
                    _load(up, door, clients)
            _say(f"memory of the server: {_memory_mib(up.process.pid):.0f} MiB")
        _select(Path(folder) / "store")


def _decode() -> None:
    """Print what decoding costs beside parsing the same bytes by protobuf alone."""
    now_ms = time.time_ns() // 1_000_000
    pipeline, writer = Pipeline(_forget), RemoteWriter(_forget)
    body, v1, v2 = request(0, now_ms, width=WIDTH), _write_1(0, now_ms), _write_2(0, now_ms)
    bare_s = _seconds(lambda: ExportMetricsServiceRequest.FromString(body))
    for name, decode in (
        ("OTLP", lambda: pipeline.accept(otlp.METRICS, otlp.read(body, otlp.METRICS, "protobuf"))),
        ("remote write 1.0", lambda: writer.accept(v1, "1.0")),
        ("remote write 2.0", lambda: writer.accept(v2, "2.0")),
    ):
        taken_s = _seconds(decode)
        _say(
            f"{name}, decoding alone: {WIDTH / taken_s:,.0f} points/s, "
            f"{taken_s / bare_s:.0f} x a bare parse of OTLP"
        )


def _seconds(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(21):
        began = time.process_time()
        call()
        taken.append(time.process_time() - began)
    return sorted(taken)[len(taken) // 2]


def _load(up: Up, door: Door, clients: int) -> None:
    counts, ready = [0] * clients, threading.Barrier(clients + 1)
    threads = [
        threading.Thread(target=_send, args=(up, door, n, counts, ready)) for n in range(clients)
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    began, before_s = time.perf_counter(), _processor_s(up.process.pid)
    for thread in threads:
        thread.join()
    taken_s, points = time.perf_counter() - began, sum(counts)
    cost_us = (_processor_s(up.process.pid) - before_s) / points * 1e6
    _say(
        f"{door.name}, {clients} client(s): {points / taken_s:,.0f} points/s, "
        f"{cost_us:.1f} microseconds of processor a point"
    )


def _send(up: Up, door: Door, number: int, counts: list[int], ready: threading.Barrier) -> None:
    began_ms = time.time_ns() // 1_000_000 - 3_600_000
    bodies = [door.body(number, began_ms + turn) for turn in range(BODIES)]
    with httpx.Client(headers=door.headers, timeout=60) as client:
        client.post(door.address(up), content=bodies[0]).raise_for_status()
        ready.wait()
        began, turn = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            client.post(door.address(up), content=bodies[turn % BODIES]).raise_for_status()
            counts[number] += WIDTH
            turn += 1


def _write_1(worker: int, time_ms: int) -> bytes:
    return packed(
        b"".join(
            series([*_labels(worker), ("position", str(position))], [(time_ms, float(position))])
            for position in range(WIDTH)
        )
    )


def _write_2(worker: int, time_ms: int) -> bytes:
    symbols = Symbols()
    texts = [text for pair in _labels(worker) for text in pair]
    content = b"".join(
        field(
            5,
            symbols.refs(*texts, "position", str(position % 100), "z", str(position // 100))
            + field(2, sample(time_ms, float(position))),
        )
        for position in range(WIDTH)
    )
    return packed(bytes(symbols) + content)


def _labels(worker: int) -> list[tuple[str, str]]:
    return [("__name__", "load"), ("instance", "i"), ("job", f"load-{worker}")]


DOORS = (
    Door(
        "OTLP/HTTP",
        lambda up: f"{up.otlp_http}/v1/metrics",
        OTLP,
        lambda n, t: request(n, t, width=WIDTH),
    ),
    Door("remote write 1.0", lambda up: f"{up.http}/api/v1/write", V1, _write_1),
    Door("remote write 2.0", lambda up: f"{up.http}/api/v1/write", V2, _write_2),
)


def _select(folder: Path) -> None:
    store, now_ms = Store.open(folder), time.time_ns() // 1_000_000
    labels = [(("__name__", "m"), ("i", str(i)), ("job", "bench")) for i in range(WIDTH)]
    known = {each.fingerprint: each for each in map(Series, labels)}
    fingerprints = np.fromiter(known, np.uint64)
    began = time.perf_counter()
    for turn in range(500):
        times_ms = np.full(WIDTH, now_ms + turn * 7_200)
        store.write(Batch(Samples(fingerprints, times_ms, np.full(WIDTH, turn * 1.5), known)))
    _say(f"1,000,000 samples written in batches of 2,000: {time.perf_counter() - began:.2f} s")
    began = time.perf_counter()
    times_ms = np.repeat(now_ms - 3_600_000 + np.arange(500) * 7_200, WIDTH)
    store.write(Batch(Samples(np.tile(fingerprints, 500), times_ms, times_ms * 1.5, known)))
    _say(f"1,000,000 samples written in one batch: {time.perf_counter() - began:.2f} s")
    for _ in range(5):
        began = time.perf_counter()
        found = store.select([Matcher("__name__", "=", "m")], now_ms - 1, now_ms + 3_600_000)
        count = sum(len(each.values) for each in found)
        _say(f"select of {len(found):,} series, {count:,} samples: {_ms(began):.0f} ms")
    began = time.perf_counter()
    store.select([Matcher("i", "=~", "1.?")], now_ms - 1, now_ms + 3_600_000)
    _say(f"select of 11 of them by a regular expression: {_ms(began):.0f} ms")
    store.close()


def _forget(_: Batch) -> None:
    """Take a batch and keep nothing."""


def _processor_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _memory_mib(process: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
