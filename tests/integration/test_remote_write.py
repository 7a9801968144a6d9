"""This module checks that a real Prometheus writes what it scraped to a real server."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from tests.remote import V1, packed, series, varint
from tests.running import Up, until
from tests.scraping import scraping

from otel_confidence.query.prometheus import PrometheusClient

MOST = 200 << 20
"""How many bytes five hostile requests may cost."""
MESSAGES = {"1.0": "prometheus.WriteRequest", "2.0": "io.prometheus.write.v2.Request"}
SCRAPED = """\
# HELP answers_total What was answered.
# TYPE answers_total counter
answers_total{code="200"} 42 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 1
# HELP wait_seconds How long it took.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.5"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 1.25
wait_seconds_count 2
# EOF
"""
CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: {job}
    fallback_scrape_protocol: OpenMetricsText1.0.0
    static_configs: [{{targets: ["{target}"]}}]
remote_write:
  - url: {url}/api/v1/write
    protobuf_message: {message}
    send_exemplars: true
    queue_config: {{batch_send_deadline: 200ms, max_shards: 1}}
    metadata_config: {{send: true, send_interval: 500ms}}
"""


@dataclass
class Target:
    """What Prometheus scrapes; without metrics it answers with an error, which ends the series."""

    text: str
    address: str = ""


@contextmanager
def target(text: str) -> Iterator[Target]:
    """A page of metrics on a free port."""
    page = Target(text)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if page.text else 500)
            self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0")
            self.end_headers()
            self.wfile.write(page.text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        page.address = f"127.0.0.1:{server.server_address[1]}"
        yield page
        server.shutdown()
        thread.join()


def values(client: PrometheusClient, query: str) -> dict[str, float]:
    """The values of an instant query, by the series' ``le``."""
    return {dict(each.labels).get("le", ""): each.values[0] for each in client.query(query).series}


@pytest.mark.parametrize("version", MESSAGES)
def test_what_a_prometheus_scrapes_can_be_queried(version: str, up: Up, tmp_path: Path) -> None:
    """
    Samples, histograms, exemplars and metadata come through, and staleness ends the series.
    """
    job, wait = f"remote-{version}", f"wait_{version[0]}"
    client = PrometheusClient(up.http)
    query = f'answers_total{{job="{job}"}}'

    def get(path: str, **parameters: object) -> object:
        answer = httpx.get(f"{up.http}/api/v1/{path}", params=dict(parameters))  # type: ignore[arg-type]  # texts and numbers
        return answer.json()["data"]

    with target(SCRAPED.replace("wait_seconds", wait)) as page:
        given = {"job": job, "target": page.address, "url": up.http}
        configuration = CONFIGURATION.format(**given, message=MESSAGES[version])
        with scraping(tmp_path, configuration):
            counted = until(lambda: values(client, query))
            buckets = until(lambda: values(client, f'{wait}_bucket{{job="{job}"}}'))
            about = until(lambda: get("metadata", metric=wait))
            start = time.time() - 60
            links = until(lambda: get("query_exemplars", query=query, start=start, end=start + 120))
            page.text = ""
            until(lambda: not client.query(query).series)
    client.close()

    assert {"": 42} == counted
    assert {"0.5": 1, "+Inf": 2} == buckets
    said = [{"type": "histogram", "help": "How long it took.", "unit": ""}]
    assert {wait: said} == about
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in str(links)


def test_what_is_acknowledged_replaces_what_was_there(up: Up) -> None:
    """
    Late samples and duplicates are taken; of two at one time the last one counts.
    """
    now_ms = time.time_ns() // 1_000_000
    labels = (("__name__", "twice"),)
    for points in ([(now_ms, 1.0)], [(now_ms - 60_000, 5.0), (now_ms, 2.0)]):
        body = packed(series(labels, points))
        sent = httpx.post(f"{up.http}/api/v1/write", content=body, headers=V1)
        assert 204 == sent.status_code

    client = PrometheusClient(up.http)
    [answer] = client.query("twice[5m]", at=now_ms / 1000).series
    client.close()

    assert [5.0, 2.0] == answer.values.tolist()


def test_a_bomb_is_refused_with_flat_memory(up: Up) -> None:
    """
    Blocks that would become more than allowed, or millions of empty parts, cost little.
    """
    few = b"\x0a\x02\x12\x00"
    bombs = [packed(bytes(64 << 20)), varint(20 << 20) + bytes(1 << 20)]
    crowds = [packed(b"\x0a\x00" * (10 << 20)), packed(few * (5 << 20)), packed(_crowded_series())]
    url = f"{up.http}/api/v1/write"
    httpx.post(url, content=packed(few), headers=V1)
    statuses, grown = set(), [1 << 60]

    while len(grown) < 4 and min(grown) >= MOST:  # the server may do something else meanwhile
        Path(f"/proc/{up.process.pid}/clear_refs").write_text("5")
        before = _peak_bytes(up)
        for body in (*bombs, *crowds):
            statuses.add(httpx.post(url, content=body, headers=V1).status_code)
        grown.append(_peak_bytes(up) - before)

    assert {400} == statuses
    assert min(grown) < MOST


def _crowded_series() -> bytes:
    samples = b"\x12\x00" * (7 << 20)
    return b"\x0a" + varint(len(samples)) + samples


def _peak_bytes(up: Up) -> int:
    status = Path(f"/proc/{up.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
