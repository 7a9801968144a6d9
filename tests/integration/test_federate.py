"""This module checks that a real Prometheus can scrape what a real server has."""

import time
from pathlib import Path

import httpx
from tests.remote import V1, metadata, packed, series
from tests.running import Up, until
from tests.scraping import scraping

from otel_confidence.errors import QueryError
from otel_confidence.points import Labels
from otel_confidence.query.prometheus import PrometheusClient

CONFIGURATION = """
scrape_configs:
  - job_name: federate
    scrape_interval: 1s
    honor_labels: true
    metrics_path: /federate
    params: {{"match[]": ['{{job="federated"}}']}}
    static_configs: [{{targets: ["{target}"]}}]
"""
ODD = 'a " and \\ and\nmore'


def test_a_prometheus_scrapes_what_is_here(up: Up, tmp_path: Path) -> None:
    """
    Labels, odd ones too, and values and times arrive as they are here.
    """
    now_ms = time.time_ns() // 1_000_000 - 1000
    plain = (("__name__", "told_total"), ("job", "federated"), ("text", ODD))
    odd = (("__name__", "told.é"), ("job", "federated"), ("label.ü", "ß"))
    body = series(plain, [(now_ms, 0.1)]) + series(odd, [(now_ms, 2.0)])
    about = metadata(1, "told_total", "What was told.", "")
    httpx.post(f"{up.http}/api/v1/write", content=packed(body + about), headers=V1)

    configuration = CONFIGURATION.format(target=up.http.removeprefix("http://"))
    with scraping(tmp_path, configuration) as prometheus:
        read = until(lambda: told(prometheus))

    assert {plain: ([now_ms], [0.1]), odd: ([now_ms], [2.0])} == read


def told(client: PrometheusClient) -> dict[Labels, tuple[list[int], list[float]]]:
    """What it scraped so far; nothing while it does not answer."""
    try:
        found = client.query('{job="federated"}[1m]').series
    except QueryError:
        return {}
    return {each.labels: (each.times_ms.tolist(), each.values.tolist()) for each in found}
