"""This module measures how fast a real server takes points, and how fast a store gives them back.

Run it by ``python -m tests.bench.ingest``.
"""

import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
from tests.load import request
from tests.running import Up, running

from otel_confidence.points import Batch, Matcher, Samples, Series
from otel_confidence.store import Store

WIDTH = 2_000
SECONDS = 8.0


def main() -> None:
    """Print points a second by clients, the server's memory, and the time of a large selection."""
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder) / "up") as up:
            for clients in (1, 4):
                points = sum(_sent(up, clients))
                _say(f"OTLP/HTTP, {clients} client(s): {points / SECONDS:,.0f} points/s")
            _say(f"memory of the server: {_memory_mib(up.process.pid):.0f} MiB")
        _select(Path(folder) / "store")


def _sent(up: Up, clients: int) -> list[int]:
    counts = [0] * clients
    threads = [threading.Thread(target=_send, args=(up, n, counts)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def _send(up: Up, number: int, counts: list[int]) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    began_ms = time.time_ns() // 1_000_000 - 3_600_000
    bodies = [request(number, began_ms + turn, width=WIDTH) for turn in range(50)]
    began = time.perf_counter()
    with httpx.Client(base_url=up.otlp_http, headers=headers, timeout=30) as client:
        turn = 0
        while time.perf_counter() - began < SECONDS:
            client.post("/v1/metrics", content=bodies[turn % 50]).raise_for_status()
            counts[number] += WIDTH
            turn += 1


def _select(folder: Path) -> None:
    store, now_ms = Store.open(folder), time.time_ns() // 1_000_000
    labels = [(("__name__", "m"), ("i", str(i)), ("job", "bench")) for i in range(WIDTH)]
    known = {series.fingerprint: series for series in map(Series, labels)}
    fingerprints = np.fromiter(known, np.uint64)
    began = time.perf_counter()
    for turn in range(500):
        times_ms = np.full(WIDTH, now_ms + turn * 7_200)
        store.write(Batch(Samples(fingerprints, times_ms, np.full(WIDTH, turn * 1.5), known)))
    _say(f"1,000,000 samples written in batches of 2,000: {time.perf_counter() - began:.2f} s")
    for _ in range(5):
        began = time.perf_counter()
        found = store.select([Matcher("__name__", "=", "m")], now_ms - 1, now_ms + 3_600_000)
        count = sum(len(each.values) for each in found)
        _say(f"select of {len(found):,} series, {count:,} samples: {_ms(began):.0f} ms")
    began = time.perf_counter()
    store.select([Matcher("i", "=~", "1.?")], now_ms - 1, now_ms + 3_600_000)
    _say(f"select of 11 of them by a regular expression: {_ms(began):.0f} ms")
    size = store._writing.query(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE table = 'samples' AND active"
    ).result_rows[0][0]
    _say(f"on disk: {size / 1_000_000:.2f} bytes a sample")
    store.close()


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
