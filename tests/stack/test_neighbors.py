"""This module checks applications that speak something else than OTLP, beside one that does."""

import socket

import pytest
from tests.paging import serving
from tests.stack.world import query, settled
from tools.stack import Stack

from otel_confidence.generate.rules.stack import SCRAPED

pytestmark = pytest.mark.xdist_group("stack")
PAGE = b"""# TYPE till_orders_total counter
till_orders_total{region="eu"} 42
# TYPE till_open gauge
till_open 3
"""


def test_statsd_counts_and_times(stack: Stack) -> None:
    """
    Counts of StatsD add up over its intervals, timers become histograms, gauges hold.
    """
    host, _, port = stack.address("otel-gateway", 8125).partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((host, int(port)))
        sender.send(b"till.sold:3|c|#region:eu\ntill.depth:7|g\ntill.wait:20|ms\ntill.wait:30|ms")
        first = settled(stack, "till_sold_total", sold(3))
        sender.send(b"till.sold:4|c|#region:eu")

        assert sold(3) == first
        assert sold(7) == settled(stack, "till_sold_total", sold(7))
    depth, waits = {"__name__=till_depth": 7.0}, {"": 2.0}
    assert depth == settled(stack, "till_depth", depth)
    assert waits == settled(stack, "sum({__name__=~'till_wait.*_count'})", waits)


def sold(count: float) -> dict[str, float]:
    return {"__name__=till_sold_total,region=eu": count}


def test_pages_of_applications_are_scraped(stack: Stack) -> None:
    """
    An application that a file in the Collector's folder of targets names is scraped at once.
    """
    with serving(PAGE) as address:
        target = stack.file("otel-gateway", "/etc/otelcol/targets/till.yaml")
        target.write_text(f"- targets: ['{address}']\n  labels: {{service_name: till}}\n")

        orders = {"__name__=till_orders_total,region=eu": 42.0}
        open_ = {"__name__=till_open": 3.0}

        assert orders == settled(stack, "till_orders_total", orders)
        assert open_ == settled(stack, "till_open", open_)
        assert 1.0 in query(stack, f'up{{job="{SCRAPED}", instance="{address}"}}').values()
        target.unlink()
