"""
This module checks that what a backend cannot take waits for it, on disk and without an end.
"""

from collections.abc import Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import at, text
from otel_confidence.collector.pipelines import Component, Configuration

_LOCAL: Final = ("debug", "file", "nop", "prometheus")
"""Exporters that hand over without a network."""
_OWN_QUEUE: Final = ("prometheus_remote_write",)
"""Those whose queue is another one."""
_ENDLESS: Final = ("0", "0s", "0m", "0h")
_BALANCED: Final = (
    "set retry_on_failure: {enabled: true, initial_interval: 5s, max_interval: 30s, "
    "multiplier: 1.5, max_elapsed_time: 0s}"
)


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Exporters that give up, or forget at a restart.
    """
    for exporter in whole.used("exporters"):
        if exporter.type in _LOCAL:
            continue
        yield from _given_up(exporter)
        if exporter.type == "clickhouse":
            yield from _standing_still(exporter, whole)
        if exporter.type not in _OWN_QUEUE:
            yield from _forgotten(exporter)


def _given_up(exporter: Component) -> Iterator[Finding]:
    place = at(exporter.place, "retry_on_failure")
    remedy = "add retry_on_failure: {enabled: true, max_elapsed_time: 0s}"
    if exporter.type == "load_balancing":
        yield from _balanced(exporter)
        return
    if text(exporter.place, "retry_on_failure", "enabled") == "false":
        yield warning(place or exporter.place, "what it cannot deliver at once is lost", remedy)
        return
    longest = at(exporter.place, "retry_on_failure", "max_elapsed_time")
    if longest is None:
        yield warning(
            place or exporter.place, "what it cannot deliver within five minutes is lost", remedy
        )
    elif longest.text not in _ENDLESS:
        yield warning(
            longest, f"what it cannot deliver within {longest.text} is lost", "set it to 0s"
        )


def _standing_still(exporter: Component, whole: Configuration) -> Iterator[Finding]:
    """
    ClickHouse's exporter makes its tables unless told otherwise, before anything else starts.
    """
    if whole.expand(text(exporter.place, "create_schema")) in ("", "true"):
        yield warning(
            at(exporter.place, "create_schema") or exporter.place,
            "the Collector does not start while ClickHouse is away, with nothing for the others",
            "set create_schema: false once its tables are there",
        )


def _balanced(exporter: Component) -> Iterator[Finding]:
    """
    The balancing has no settings for trying again but those it is given.
    """
    place = at(exporter.place, "retry_on_failure")
    if place is None or text(place, "enabled") != "true":
        yield warning(place or exporter.place, "what no backend takes in time is lost", _BALANCED)
    elif text(place, "initial_interval") in ("", *_ENDLESS):
        yield error(
            place, "it tries again without a pause, and sends thousands of copies", _BALANCED
        )
    elif text(place, "max_elapsed_time") not in ("", *_ENDLESS):
        yield warning(place, "what no backend takes in time is lost", "set max_elapsed_time: 0s")


def _forgotten(exporter: Component) -> Iterator[Finding]:
    queue = at(exporter.place, "sending_queue")
    if text(exporter.place, "sending_queue", "enabled") == "false":
        yield warning(
            queue or exporter.place, "it has no queue: senders wait for the backend, or lose",
            "leave enabled out",
        )  # fmt: skip
    elif not text(exporter.place, "sending_queue", "storage"):
        yield warning(
            queue or exporter.place, "what waits for the backend is forgotten at a restart",
            "add sending_queue: {storage: file_storage/…} and that extension",
        )  # fmt: skip
