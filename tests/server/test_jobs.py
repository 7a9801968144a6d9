"""This module checks the server's metrics of itself."""

from otel_confidence.ingest.pipeline import Ledger
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
    } == {about.name for about in batch.metadata}
