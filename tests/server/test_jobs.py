"""This module checks the server's metrics of itself."""

import asyncio
import logging

import pytest

from otel_confidence.errors import StoreError
from otel_confidence.ingest.pipeline import Ledger
from otel_confidence.points import Batch
from otel_confidence.server import jobs
from otel_confidence.server.jobs import own_metrics


def test_the_ledger_becomes_ordinary_series() -> None:
    """
    What was kept and what was refused are counters with signal and reason.
    """
    ledger = Ledger()
    ledger.keep("metric", 3)
    ledger.lose("span", "too_old", 2)

    batch = own_metrics(ledger, "7", 1.5)

    found = {
        tuple(value for key, value in sample.series.labels if key.startswith("otel_")): sample.value
        for sample in batch.samples
    }
    assert {
        ("metric",): 3.0,
        ("span",): 0.0,
        ("event",): 0.0,
        ("outcome",): 0.0,
        ("feedback",): 0.0,
        ("too_old", "span"): 2.0,
    } == found
    assert {1500} == {sample.time_ms for sample in batch.samples}
    assert {("instance", "7"), ("job", "otel-confidence")} <= set(
        next(iter(batch.samples)).series.labels
    )
    assert {
        "otel_confidence_ingest_records_total",
        "otel_confidence_ingest_refused_total",
        "otel_confidence_store_dropped_total",
    } == {about.name for about in batch.metadata}


def test_days_that_were_dropped_are_counted_by_why() -> None:
    """
    The days that the store let go for their age and for its size are counters.
    """
    batch = own_metrics(Ledger(), "7", 1.5, {"age": 2, "size": 1})

    found = {
        dict(sample.series.labels)["otel_confidence_reason"]: sample.value
        for sample in batch.samples
        if sample.series.name == "otel_confidence_store_dropped_total"
    }
    assert {"age": 2.0, "size": 1.0} == found


@pytest.mark.parametrize(
    "failure",
    [StoreError("the disk is full"), ValueError("wrong"), OSError("no")],
    ids=lambda each: type(each).__name__,
)
async def test_a_report_that_fails_is_followed_by_the_next(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Whatever one report raises is logged, and the server goes on to report.
    """
    batches: list[Batch] = []
    twice = asyncio.Event()
    loop = asyncio.get_running_loop()

    def sink(batch: Batch) -> None:
        batches.append(batch)
        if len(batches) == 1:
            raise failure
        loop.call_soon_threadsafe(twice.set)

    with caplog.at_level(logging.WARNING):
        job = asyncio.create_task(jobs.report(Ledger(), sink, every_s=0))
        await asyncio.wait_for(twice.wait(), 60)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)

    assert "own metrics were not written" in caplog.text
    assert len(batches) >= 2
