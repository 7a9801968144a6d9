"""
This module lets the real gateway, with collector/scale.yaml over it, write to ClickHouse.

ClickHouse is the embedded engine behind its HTTP interface. The exporter to S3 is in the contrib
image only: files stand in its place here, and ``tests/campaigns/tiers.py`` has the real one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clickhouse import started
from tests.collecting import Collector, attributes, running
from tests.ports import free_port
from tests.running import until
from tests.test_collector_files import lay, merged

EACH = 20
"""Predictions that the program sends, so unsure that each trace is kept."""
PROGRAM = f"""
import otel_confidence as oc
oc.configure(service_name="shop")
for n in range({EACH}):
    with oc.prediction(model="glyphs", version="1") as prediction:
        prediction.set(confidence=0.25)
assert oc.flush(120)
"""
QUICK: dict[str, Any] = {
    "receivers": {"prometheus": {"config": {"scrape_configs": [{"job_name": "none"}]}}},
    "processors": {
        "tail_sampling": {"decision_wait": "1s"},
        "interval/warm": {"interval": "1s"},
        "interval/cold": {"interval": "1s"},
    },
    "exporters": {
        name: {
            "sending_queue": {"batch": {"flush_timeout": "200ms"}},
            "retry_on_failure": {"initial_interval": "100ms", "max_interval": "200ms"},
        }
        for name in ("clickhouse", "clickhouse/traces")
    },
}
FILES = {
    "awss3/metrics": "file/metrics", "awss3/traces": "file/traces", "awss3/logs": "file/logs",
    "otlp_http/prometheus": "file/prometheus", "otlp_grpc/tempo": "file/tempo",
    "otlp_http/loki": "file/loki",
}  # fmt: skip
"""What stands in the place of exporters whose backends are not here."""
COUNTS = {"otel_logs": 2 * EACH, "otel_traces": 2 * EACH}
"""Rows of two runs of the program."""


def without_s3(folder: Path) -> dict[str, Any]:
    """
    scale.yaml with files in the place of an S3-compatible store and of the other backends.
    """
    scale = merged("scale")
    for pipeline in scale["service"]["pipelines"].values():
        pipeline["exporters"] = [FILES.get(name, name) for name in pipeline["exporters"]]
    scale["exporters"] = {
        name: settings for name, settings in scale["exporters"].items() if name not in FILES
    } | {
        name: {
            "path": str(folder / f"{name.partition('/')[2]}.jsonl"),
            "flush_interval": "50ms",
            "append": True,
        }
        for name in FILES.values()
    }
    lay(QUICK, scale)
    return scale


@contextmanager
def gateway(
    folder: Path, port: int, more: dict[str, Any] | None = None, /, **environment: str
) -> Iterator[Collector]:
    """
    A gateway that writes to a ClickHouse at a port.
    """
    overlay = without_s3(folder)
    lay(more or {}, overlay)
    endpoint = f"http://127.0.0.1:{port}?compress=none"
    with running(
        folder, ("gateway",), overlay, CLICKHOUSE_ENDPOINT=endpoint,
        CLICKHOUSE_USER="default", CLICKHOUSE_PASSWORD="", **environment,
    ) as collector:  # fmt: skip
        yield collector


def send(collector: Collector) -> None:
    """
    Let a program of the SDK's user predict, and end.
    """
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.http}",
        # All in one batch, however slowly it predicts.
        "OTEL_BLRP_SCHEDULE_DELAY": "600000",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
    }
    subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | told, check=True)


def ask(port: int, sql: str) -> list[list[str]]:
    """
    What ClickHouse answers, in rows of text.
    """
    answer = httpx.post(
        f"http://127.0.0.1:{port}/", content=sql, auth=("default", ""), timeout=60, trust_env=False
    )
    assert answer.status_code == 200, answer.text
    return [line.split("\t") for line in answer.text.splitlines()]


def counts(port: int) -> dict[str, int]:
    return {table: int(ask(port, f"SELECT count() FROM otel.{table}")[0][0]) for table in COUNTS}


@pytest.fixture(name="tier", scope="module")
def _tier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Collector]]:
    """
    ClickHouse's port, and a gateway, after what a store may go through.

    The tables are made and rows arrive; ClickHouse goes; a gateway starts all the same, takes more
    and is killed; both come back.
    """
    folder, server = tmp_path_factory.mktemp("gateway"), tmp_path_factory.mktemp("clickhouse")
    port = free_port()
    with started(server, port), gateway(folder, port, CLICKHOUSE_CREATE_SCHEMA="true") as first:
        send(first)
        until(lambda: set(counts(port).values()) == {EACH})
    with gateway(folder, port) as second:
        send(second)
        until(lambda: second.counted('otelcol_exporter_queue_size{data_type="logs"') >= EACH)
        until(lambda: second.counted('otelcol_exporter_queue_size{data_type="traces"') >= EACH)
        second.process.kill()
    with started(server, port), gateway(folder, port) as third:
        until(lambda: counts(port) == COUNTS)
        until(lambda: third.counted("otelcol_exporter_queue_size") == 0)
        until(lambda: ask(port, "SELECT count() FROM otel.otel_metrics_histogram") != [["0"]])
        yield port, third


def test_every_span_and_event_is_stored_once(tier: tuple[int, Collector]) -> None:
    """
    What a store that was away and a gateway that was killed had to do with is there once.
    """
    port, _ = tier
    distinct = ask(
        port, "SELECT uniq(SpanId), countIf(LogAttributes['event.name'] = 'ml.prediction.result') "
        "FROM otel.otel_logs"
    )  # fmt: skip

    assert COUNTS == counts(port)
    assert [["40", "40"]] == distinct
    assert [["40"]] == ask(port, "SELECT uniq(SpanId) FROM otel.otel_traces")


def test_rows_say_what_the_program_said(tier: tuple[int, Collector]) -> None:
    """
    Spans, events, counters and histograms are found by model, with their values and resource.
    """
    port, _ = tier
    span = ask(
        port, "SELECT DISTINCT ServiceName, SpanName, SpanAttributes['ml.prediction.confidence'], "
        "ResourceAttributes['service.name'] FROM otel.otel_traces"
    )  # fmt: skip
    counter = ask(
        port, "SELECT max(Value), any(IsMonotonic) FROM otel.otel_metrics_sum WHERE MetricName = "
        "'ml.predictions' AND Attributes['ml.model.name'] = 'glyphs'"
    )  # fmt: skip
    histogram = ask(
        port, "SELECT max(Count), any(ExplicitBounds[3]) FROM otel.otel_metrics_histogram "
        "WHERE MetricName = 'ml.prediction.confidence'"
    )  # fmt: skip

    assert [["shop", "predict glyphs", "0.25", "shop"]] == span
    assert [["20", "true"]] == counter
    assert [["20", "0.2"]] == histogram


def test_the_cold_tier_gets_the_same(tier: tuple[int, Collector]) -> None:
    """
    Where the S3-compatible store would be, each span and event arrives once, and the metrics too.
    """
    _, cold = tier
    ids = [span["spanId"] for span in cold.spans()]
    names = [attributes(record)["event.name"] for record in cold.logs()]

    assert 2 * EACH == len(ids) == len(set(ids))
    assert ["ml.prediction.result"] * 2 * EACH == names
    assert "ml.prediction.confidence" in cold.metrics()


def test_a_full_queue_is_felt_by_its_own_store_alone(tmp_path: Path) -> None:
    """
    What ClickHouse's queue cannot take comes to Loki once, nobody is refused, and it is counted.
    """
    port = free_port()
    full = {"sending_queue": {"queue_size": 5, "batch": {"min_size": 1, "max_size": 5}}}
    overlay = {"exporters": {"clickhouse": full, "clickhouse/traces": full}}
    with gateway(tmp_path / "gateway", port, overlay) as collector:
        send(collector)
        until(lambda: len(spans_of(collector, "logs", "scopeLogs", "logRecords")) >= EACH)
        arrived = spans_of(collector, "loki", "scopeLogs", "logRecords")
        refused = collector.counted("otelcol_receiver_refused")
        lost = until(lambda: collector.counted("otelcol_exporter_enqueue_failed_log_records"))

    assert (EACH, EACH) == (len(arrived), len(set(arrived)))
    assert (0, EACH) == (refused, lost)


def spans_of(collector: Collector, file: str, scope: str, what: str) -> list[str]:
    """
    The span of each record in a file.
    """
    return [
        each["spanId"]
        for resource in collector.left(file)
        for found in resource[scope]
        for each in found[what]
    ]


def test_a_gateway_that_makes_tables_needs_clickhouse_to_start(tmp_path: Path) -> None:
    """
    With CLICKHOUSE_CREATE_SCHEMA=true a gateway ends where ClickHouse is away, and says so.
    """
    port = free_port()

    with (
        pytest.raises(AssertionError, match=r"create database: .*connection refused"),
        gateway(tmp_path / "gateway", port, CLICKHOUSE_CREATE_SCHEMA="true"),
    ):
        pass
