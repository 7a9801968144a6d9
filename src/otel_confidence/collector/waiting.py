"""
This module checks how telemetry waits: in batches, in no memory before a queue, on a disk.
"""

from collections.abc import Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import at, text
from otel_confidence.collector.pipelines import Component, Configuration, Route

_AT_ONCE: Final = ("0", "0s", "0ms")
_FLEETING: Final = ("/tmp", "/dev/shm", "/run", "/var/run")  # noqa: S108  recognized, not written to


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Requests that are sent on one by one, batches that a kill takes, queues without a bound or home.
    """
    for route in whole.routes():
        yield from _one_by_one(route)
        yield from _held(route)
    stored = {
        name
        for exporter in whole.used("exporters")
        if (name := exporter.text("sending_queue", "storage"))
    }
    for extension in whole.started():
        if extension.id in stored and extension.type == "file_storage":
            yield from _kept(whole, extension)


def _queue(exporter: Component) -> bool:
    """
    Whether it has a queue that outlives the Collector.
    """
    told = exporter.text("sending_queue", "enabled") != "false"
    return told and bool(exporter.text("sending_queue", "storage"))


def _one_by_one(route: Route) -> Iterator[Finding]:
    exporter = route.steps[-1]
    batched = at(exporter.place, "sending_queue", "batch") is not None
    if _queue(exporter) and not batched and route.position("batch") < 0:
        yield warning(
            at(exporter.place, "sending_queue") or exporter.place,
            "each request that comes in is kept and sent by itself",
            "add sending_queue: {batch: {}}",
        )


def _held(route: Route) -> Iterator[Finding]:
    for step in route.steps:
        at_once = step.text("timeout") in _AT_ONCE
        if step.type == "batch" and not at_once and _queue(route.steps[-1]):
            yield warning(
                step.place, "what it holds is lost when the Collector is killed, although the "
                "sender was told that it is kept", "leave it out, and add sending_queue: "
                "{batch: {}} to the exporter",
            )  # fmt: skip


def _kept(whole: Configuration, storage: Component) -> Iterator[Finding]:
    if text(storage.place, "max_size") in {"", "0"}:
        yield warning(
            storage.place, "its queues may fill the disk, and from a full one nothing is sent "
            "either", "add max_size: 1073741824, the bytes of each queue",
        )  # fmt: skip
    folder = at(storage.place, "directory")
    where = whole.expand(folder.text) if folder is not None else ""
    if folder is not None and not where:
        yield error(
            folder, "it names no folder, as a variable in it is set to nothing, and keeps the "
            "Collector from starting", "unset the variable, or give it the folder",
        )  # fmt: skip
    if folder is not None and any(f"{where}/".startswith(f"{each}/") for each in _FLEETING):
        yield warning(
            folder, f"what waits below {where} is gone when the machine or container starts anew",
            "name a folder that stays, as a volume does",
        )  # fmt: skip
