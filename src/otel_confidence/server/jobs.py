"""
This module runs what the server does by itself, such as writing its own metrics into its store.
"""

import asyncio
import ctypes
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import anyio

from otel_confidence import conventions
from otel_confidence.errors import OtelConfidenceError
from otel_confidence.ingest.pipeline import Ledger
from otel_confidence.points import NAME_LABEL, Batch, Metadata, Sample, Samples, Series

JOB: Final = "otel-confidence"
EVERY_S: Final = 10.0
"""How often the server writes its own metrics."""
_NONE: Final[Mapping[str, int]] = MappingProxyType({})
_FAULTS: Final = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What a job may run into beside our own errors; a job that ended would be missed by nobody."""
_log = logging.getLogger(__name__)


async def report(
    ledger: Ledger,
    sink: Callable[[Batch], None],
    *,
    dropped: Callable[[], Mapping[str, int]] = dict,
    every_s: float = EVERY_S,
) -> None:
    """
    Write the ledger to the store every ten seconds, for as long as the task lives.

    Args:
        ledger: What was kept and what was refused.
        sink: Takes the samples.
        dropped: How many days were dropped, by why.
        every_s: How often.
    """
    instance = str(os.getpid())

    def write() -> None:
        sink(own_metrics(ledger, instance, time.time(), dropped()))

    await _again(write, "own metrics were not written", every_s)


async def report_truths(report: Callable[[], None], *, every_s: float = EVERY_S) -> None:
    """
    Write the counters of truths as often, for as long as the task lives.
    """
    await _again(report, "the counters of truths were not written", every_s)


async def give_back_memory(*, every_s: float = EVERY_S) -> None:
    """
    Return memory that is free again to the machine as often; glibc by itself keeps it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        await _again(lambda: trim(0), "memory was not given back", every_s)


async def _again(work: Callable[[], Any], failure: str, every_s: float) -> None:
    while True:
        try:
            await anyio.to_thread.run_sync(work)
        except OtelConfidenceError as error:
            _log.warning("%s: %s", failure, error)
        except _FAULTS:
            _log.exception("%s", failure)
        await asyncio.sleep(every_s)


def own_metrics(
    ledger: Ledger, instance: str, now_s: float, dropped: Mapping[str, int] = _NONE
) -> Batch:
    """
    What the ledger and the store say, as ordinary series with ``job="otel-confidence"``.
    """
    time_ms = int(now_s * 1000)
    samples = Samples.of(
        Sample(own_series(name, instance, labels), time_ms, float(count))
        for name, labels, count in (*_counts(ledger), *_drops(dropped))
    )
    about = [
        Metadata(metric.prometheus, "counter", "", metric.about)
        for metric in (
            conventions.INGESTED,
            conventions.INGEST_REFUSED,
            conventions.STORE_DAYS_DROPPED,
        )
    ]
    return Batch(samples=samples, metadata=about)


def _counts(ledger: Ledger) -> Iterator[tuple[str, dict[str, str], int]]:
    kept, lost = ledger.snapshot()
    signal, reason = conventions.SIGNAL.label, conventions.REASON.label
    for name in ("metric", "span", "event", "outcome", "feedback"):
        yield conventions.INGESTED.prometheus, {signal: name}, kept[name]
    for (name, why), count in lost.items():
        yield conventions.INGEST_REFUSED.prometheus, {signal: name, reason: why}, count


def _drops(dropped: Mapping[str, int]) -> Iterator[tuple[str, dict[str, str], int]]:
    for why, days in dropped.items():
        yield conventions.STORE_DAYS_DROPPED.prometheus, {conventions.REASON.label: why}, days


def own_series(name: str, instance: str, labels: Mapping[str, str]) -> Series:
    """
    A series of the server's about itself.
    """
    named = {**labels, NAME_LABEL: name, "job": JOB, "instance": instance}
    return Series(tuple(sorted(named.items())))
