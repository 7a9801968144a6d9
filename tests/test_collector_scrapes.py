"""
This module lets the real gateway read pages and lines of others, some of which cannot be read.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import yaml
from tests.collecting import Collector, attributes, quick, running
from tests.paging import serving
from tests.running import until
from tests.test_stack_files import GATEWAY

from otel_confidence.generate.rules import stack

pytestmark = pytest.mark.xdist_group("scrapes")
[SCRAPE] = GATEWAY["receivers"]["prometheus"]["config"]["scrape_configs"]
GOOD = b"# TYPE till_open gauge\ntill_open 3\ntill_closed 1\n"
BAD = b"# TYPE till_open gauge\ntill_open 3\ntill_closed{ 1\ntill_late 2\n"
MANY = b"".join(b'till_open{n="%d"} 1\n' % n for n in range(SCRAPE["sample_limit"] + 1))
EVERY = 100
"""StatsD's receiver counts every hundredth line that it cannot read."""


@pytest.fixture(name="gateway", scope="module")
def _gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """
    A gateway that scrapes as its file says, but sooner, and that has scraped three programs.
    """
    folder = tmp_path_factory.mktemp("gateway")
    places = [{"files": [str(folder / "targets" / "*.yaml")]}]
    scrape = {**SCRAPE, "scrape_interval": "1s", "file_sd_configs": places}
    overlay = quick(folder)
    overlay["receivers"] = {"prometheus": {"config": {"scrape_configs": [scrape]}}}
    # The same message is otherwise said ten times within ten seconds, and then now and then.
    overlay["service"]["telemetry"] = {"logs": {"sampling": {"enabled": False}}}
    (folder / "targets").mkdir()
    with ExitStack() as serving_all:
        for name, page in {"well": GOOD, "broken": BAD, "endless": MANY}.items():
            address = serving_all.enter_context(serving(page))
            described = [{"targets": [address], "labels": {"service_name": name}}]
            (folder / "targets" / f"{name}.yaml").write_text(yaml.safe_dump(described))
        with running(folder, ("gateway",), overlay) as collector:
            until(lambda: all("up" in values(collector, n) for n in ("well", "broken", "endless")))
            yield collector


def values(gateway: Collector, name: str) -> dict[str, float]:
    """
    What was made of an application's page, the last of each name.
    """
    return {
        metric["name"]: point.get("asDouble", 0.0)
        for resource in gateway.left("metrics")
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
        for point in metric.get("gauge", {}).get("dataPoints", [])
        if attributes(point).get("service_name") == name and "flags" not in point
    }


def complaints(gateway: Collector, name: str) -> list[Any]:
    """
    What the gateway's log says of an application's page.
    """
    lines = (gateway.folder / "log").read_text().splitlines(keepends=True)
    failed = [json.loads(line) for line in lines if "Failed to scrape" in line and line[-1] == "\n"]
    return [each for each in failed if f'service_name="{name}"' in each["target_labels"]]


def test_a_line_that_cannot_be_read_costs_its_page_and_no_other(gateway: Collector) -> None:
    """
    Of such a page nothing is kept; it is told as down, and the log names program and line.
    """
    said = complaints(gateway, "broken")[0]

    assert (1.0, 3.0, 1.0) == tuple(
        values(gateway, "well")[name] for name in ("up", "till_open", "till_closed")
    )
    assert 0.0 == values(gateway, "broken")["up"]
    assert [] == [name for name in values(gateway, "broken") if name.startswith("till_")]
    assert "till_closed{ 1" in said["error"]


def test_a_page_without_an_end_costs_itself(gateway: Collector) -> None:
    """
    A page with more samples than are taken is told as down as well.
    """
    said = complaints(gateway, "endless")[0]

    assert 0.0 == values(gateway, "endless")["up"]
    assert "sample limit exceeded" in said["error"]


def test_the_alert_looks_at_what_the_gateway_scrapes() -> None:
    """
    The alert on scraped programs asks for the job by which the gateway scrapes them.
    """
    assert stack.SCRAPED == SCRAPE["job_name"]


def test_a_statsd_line_that_cannot_be_read_costs_itself(gateway: Collector) -> None:
    """
    Its neighbors arrive, and every hundredth of its kind is counted.
    """
    counter = 'otelcol_receiver_received_statsd_metrics{parse_success="false"'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"till.first:1|c\ntill.sold:many|c\ntill.last:1|c", gateway.statsd)
        until(lambda: {"till.first", "till.last"} <= set(gateway.metrics()))

        def counted() -> float:
            sender.sendto(b"till.sold:many|c\n" * EVERY, gateway.statsd)
            return gateway.counted(counter)

        until(counted)

    assert "till.sold" not in gateway.metrics()
