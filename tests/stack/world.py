"""
This module is the whole stack for tests, with programs of ours that send.

Intervals are shortened, notifications stay here, and nothing else is changed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from tests import running
from tests.programs import program
from tests.stack import hooks, paths, shop
from tools.stack import Stack
from tools.stack.plan import COMPOSE, ROOT, Wishes

T = TypeVar("T")
FILES: Final = (
    COMPOSE,
    ROOT / "docker-compose.notify.yml",
    Path(__file__).with_name("compose.yml"),
)
_GATEWAY: Final = {
    "receivers.statsd.aggregation_interval": "500ms",
    "receivers.prometheus.config.scrape_configs.*.scrape_interval": "1s",
    "processors.tail_sampling.decision_wait": "2s",
    "connectors.span_metrics.metrics_flush_interval": "1s",
    "exporters.*.sending_queue.batch.flush_timeout": "100ms",
    "+exporters.otlp_http/up": {"endpoint": "http://up:4318"},
    "+exporters.prometheus": {"endpoint": "0.0.0.0:9464"},
    "service.pipelines.metrics.exporters": ["otlp_http/prometheus", "otlp_http/up", "prometheus"],
}
_PROMETHEUS: Final = {"global.scrape_interval": "1s", "global.evaluation_interval": "1s"}
_RULES: Final = {
    "groups.*.interval": "1s",
    "groups.*.rules.*.for": "0s",
    "groups.*.rules.*.keep_firing_for": "0s",
}
_ALERTMANAGER: Final = {
    # Long enough for a page that follows its warnings by a moment.
    "route.group_wait": "3s",
    "route.group_interval": "1s",
    "route.routes.*.group_wait": "3s",
    "route.routes.*.group_interval": "1s",
    "+global.pagerduty_url": f"http://hooks:{hooks.PORT}/pagerduty",
    # No mail server is here; one is in tests/stack/notified.py.
    "receivers.*.email_configs": [],
}
OVERRIDES: Final[Mapping[str, Any]] = {
    "otel-gateway": {"/etc/otelcol/gateway.yaml": _GATEWAY},
    "prometheus": {
        "/etc/prometheus/prometheus.yml": _PROMETHEUS,
        "/etc/prometheus/rules/otel_confidence.yml": _RULES,
    },
    "alertmanager": {"/etc/alertmanager/notify.yml": _ALERTMANAGER},
}
FLAGS: Final[Mapping[str, Mapping[str, str]]] = {
    # Nobody kills it here; tests/stack/test_notifying.py does.
    "alertmanager": {"--dispatch.start-delay": "0s"},
}


def secrets() -> dict[str, str]:
    """What the stack's secrets hold, where a service ``hooks`` is told."""
    paths = ("heartbeat", "slack", "webhook")
    urls = {f"{path}_url": f"http://hooks:{hooks.PORT}/{path}" for path in paths}
    return {**urls, "pagerduty_key": "0" * 32, "smtp_password": "none"}


def until(found: Callable[[], T]) -> T:
    """Poll for as long as a busy machine may take."""
    return running.until(found, patience_s=240)


@contextmanager
def started(folder: Path) -> Iterator[Stack]:
    """Every service of the compose files, ready, and none that fell when it ends."""
    wishes = Wishes(
        files=FILES, profiles=["demo"], overrides=OVERRIDES, secrets=secrets(),
        flags=FLAGS, stand_ins=True,
    )  # fmt: skip
    with Stack.started(folder, wishes, check=False) as stack:
        yield stack
        assert not stack.fallen, "\n".join(stack.fallen)


def required() -> None:
    """Skip without the programs, or fail in continuous integration."""
    for name in ("otelcol-confidence", "prometheus", "alertmanager"):
        program(name)


def recorded(stack: Stack) -> dict[str, Any]:
    """What the shop recorded, once all of it was sent."""
    path = stack.file("shop", shop.FILE)
    until(lambda: path.exists() or stack.fallen)
    assert path.exists(), stack.log_end("shop")
    found: dict[str, Any] = json.loads(path.read_text())
    assert found["flushed"], stack.log_end("shop")
    return found


def reading(stack: Stack) -> list[paths.Row]:
    """One recorded set by all paths, once they agree or have had their time."""
    recorded(stack)

    def read() -> list[paths.Row]:
        python, collector = (
            paths.from_page(paths.ask(f"{stack.url(name, 9464)}/metrics").text)
            for name in ("shop", "otel-gateway")
        )
        prometheus, up = (
            paths.from_api(stack.url(name, port))
            for name, port in (("prometheus", 9090), ("up", 8050))
        )
        return paths.compared(
            {"python": python, "collector": collector, "prometheus": prometheus, "up": up}
        )

    return last(read, lambda rows: not any(row.differences for row in rows))


def last(read: Callable[[], T], right: Callable[[T], bool]) -> T:
    """What was read first that is right, or read last."""
    found: list[T] = []

    def satisfied() -> bool:
        found.append(read())
        return right(found[-1])

    with suppress(AssertionError):  # whoever asked compares, and shows what differs
        until(satisfied)
    return found[-1]


def query(stack: Stack, expression: str) -> dict[str, float]:
    """What Prometheus answers, by the labels that do not say who sent."""
    url = f"{stack.url('prometheus', 9090)}/api/v1/query"
    answer = paths.ask(url, query=expression).json()
    return {
        ",".join(
            f"{k}={v}" for k, v in sorted(found["metric"].items()) if k not in paths.WHO
        ): float(found["value"][1])
        for found in answer["data"]["result"]
    }


def settled(stack: Stack, expression: str, wanted: dict[str, float]) -> dict[str, float]:
    """What Prometheus answers once it is what is wanted, or in the end."""
    return last(lambda: query(stack, expression), lambda found: found == wanted)
