"""
This module runs what the server does by itself: it writes its own metrics into its own store.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Final

import anyio

from otel_confidence import conventions
from otel_confidence.errors import QueryError, StoreError
from otel_confidence.ingest.pipeline import Ledger
from otel_confidence.points import NAME_LABEL, Batch, Metadata, Sample, Samples, Series

JOB: Final = "otel-confidence"
_EVERY_S: Final = 10.0
_log = logging.getLogger(__name__)


async def report(ledger: Ledger, sink: Callable[[Batch], None]) -> None:
    """
    Write the ledger to the store every ten seconds, for as long as the task lives.
    """
    instance = str(os.getpid())
    while True:
        try:
            await anyio.to_thread.run_sync(sink, own_metrics(ledger, instance, time.time()))
        except StoreError as error:
            _log.warning("own metrics were not written: %s", error)
        await asyncio.sleep(_EVERY_S)


async def report_truths(report: Callable[[], None]) -> None:
    """
    Write the counters of truths as often, for as long as the task lives.
    """
    while True:
        try:
            await anyio.to_thread.run_sync(report)
        except (StoreError, QueryError) as error:
            _log.warning("the counters of truths were not written: %s", error)
        await asyncio.sleep(_EVERY_S)


def own_metrics(ledger: Ledger, instance: str, now_s: float) -> Batch:
    """
    What the ledger says, as ordinary series with ``job="otel-confidence"``.
    """
    time_ms = int(now_s * 1000)
    samples = Samples.of(
        Sample(_series(name, instance, labels), time_ms, float(count))
        for name, labels, count in _counts(ledger)
    )
    about = [
        Metadata(metric.prometheus, "counter", "", metric.about)
        for metric in (conventions.INGESTED, conventions.INGEST_REFUSED)
    ]
    return Batch(samples=samples, metadata=about)


def _counts(ledger: Ledger) -> Iterator[tuple[str, dict[str, str], int]]:
    kept, lost = ledger.snapshot()
    signal, reason = conventions.SIGNAL.label, conventions.REASON.label
    for name in ("metric", "span", "event", "outcome", "feedback"):
        yield conventions.INGESTED.prometheus, {signal: name}, kept[name]
    for (name, why), count in lost.items():
        yield conventions.INGEST_REFUSED.prometheus, {signal: name, reason: why}, count


def _series(name: str, instance: str, labels: dict[str, str]) -> Series:
    named = {**labels, NAME_LABEL: name, "job": JOB, "instance": instance}
    return Series(tuple(sorted(named.items())))
