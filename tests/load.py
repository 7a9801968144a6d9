"""This module sends numbered points to a server from several threads, and remembers which count."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from tests.running import Up, start, until

from otel_confidence.store import Store

WIDTH = 100
"""Points in one request, each of its own series."""


@dataclass(slots=True)
class Load:
    """What was sent so far: a request is known by its worker and its time."""

    base_ms: int = field(default_factory=lambda: int(time.time() * 1000) - 3_600_000)
    acknowledged: set[tuple[int, int]] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def send(self, up: Up, ended: threading.Event, worker: int) -> None:
        """Send requests until the server or the load ends."""
        headers = {"Content-Type": "application/x-protobuf"}
        with httpx.Client(base_url=up.otlp_http, headers=headers, timeout=60) as client:
            while not ended.is_set():
                time_ms = self.base_ms + next(self.numbers)
                try:
                    answer = client.post("/v1/metrics", content=request(worker, time_ms))
                except httpx.TransportError:
                    return
                if answer.status_code == httpx.codes.OK:
                    self.acknowledged.add((worker, time_ms))


def request(worker: int, time_ms: int, *, width: int = WIDTH) -> bytes:
    """A request of one point for each of as many series."""
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    service = resource.resource.attributes.add(key="service.name")
    service.value.string_value = f"load-{worker}"
    metric = resource.scope_metrics.add().metrics.add(name="load", unit="{point}")
    for position in range(width):
        point = metric.gauge.data_points.add(time_unix_nano=time_ms * 1_000_000, as_int=position)
        point.attributes.add(key="position").value.string_value = str(position)
    return message.SerializeToString()


def killed(up: Up, load: Load, *, workers: int, seconds: float) -> None:
    """Load a server, some seconds beyond its first answer; kill it with requests under way."""
    ended, before = threading.Event(), len(load.acknowledged)
    threads = [
        threading.Thread(target=load.send, args=(up, ended, worker)) for worker in range(workers)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(load.acknowledged) > before)
    time.sleep(seconds)
    up.process.kill()
    up.process.communicate()
    ended.set()
    for thread in threads:
        thread.join()


def kept(store: Store) -> dict[tuple[int, int], int]:
    """How many points of each request a store has, duplicates counted."""
    found = store.sql(
        "SELECT labels['job'] AS job, toUnixTimestamp64Milli(time) AS time_ms, count() AS points "
        "FROM metrics WHERE name = 'load' GROUP BY job, time_ms"
    )
    return {
        (int(row["job"].removeprefix("load-")), row["time_ms"]): row["points"]
        for row in found.to_pylist()
    }


def rounds(up: Up, load: Load, times: int, *, workers: int = 4) -> Iterator[tuple[int, int, float]]:
    """Kill and restart; after each the acknowledged points, those found, and seconds to restart."""
    generator = random.Random(0)
    for _ in range(times):
        killed(up, load, workers=workers, seconds=generator.uniform(0.0, 1.2))
        store = Store.open(up.data)
        there = kept(store)
        store.close()
        found = sum(there.get(each, 0) for each in load.acknowledged)
        began = time.perf_counter()
        up = start(up.data)
        yield len(load.acknowledged) * WIDTH, found, time.perf_counter() - began
    up.process.kill()
    up.process.communicate()
