"""
This module is a program that uses every part of the SDK once and says what it recorded.

Run by the stack's runner as ``python -m tests.stack.shop``, it sends by ``configure()`` alone, as
the environment says, writes ``recorded.json`` into its home folder when everything was sent, and
then stays, so that its own ``/metrics`` can be asked.
"""

import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from opentelemetry import _logs, trace
from opentelemetry._logs import SeverityNumber

import otel_confidence as oc
from otel_confidence import conventions as c

MODEL = "glyphs"
CONFIDENCES = (0.95, 0.65, 0.35)
"""Above the threshold of 0.7; below it, of tier medium; below it and of tier low."""
EACH = 4
CONFIDENT = 200
"""Requests that nothing speaks for keeping."""
EMAIL = "eve@example.com"
CARD = "4111 1111 1111 1111"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJldmUifQ.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw"
PASSWORD = "hunter2-hunter2"
FILE = "recorded.json"
UNSURE = {
    "ml.model.name": MODEL,
    "ml.model.version": "1",
    "ml.prediction.confidence": 0.65,
    "ml.prediction.confidence.source": "probability",
    "ml.prediction.confidence.tier": "medium",
    "ml.prediction.decision": "abstain",
    "ml.prediction.threshold": 0.7,
    "ml.prediction.label": "seven",
    "ml.prediction.uncertainty.method": "entropy",
    "ml.prediction.id": "",
    "ml.prediction.uncertainty": 0.0,
}
"""What span and event say of a prediction below its threshold."""
VARYING = {"ml.prediction.id": "", "ml.prediction.uncertainty": 0.0}
"""What of that is another each time."""

tracer = trace.get_tracer("shop")


def main() -> None:
    """
    Record, flush, write down, stay.
    """
    telemetry = oc.configure(service_name="shop")
    recorded: dict[str, Any] = {"model": MODEL}
    recorded |= predictions()
    recorded["failed"] = failures()
    recorded["slow"] = slow()
    recorded["confident"] = confident()
    verbs()
    secrets()
    the_rest(telemetry)
    recorded["flushed"] = oc.flush(120)
    written = Path.home() / f"{FILE}.new"
    written.write_text(json.dumps(recorded))
    written.replace(Path.home() / FILE)
    signal.pause()


def predictions() -> dict[str, Any]:
    """
    Twelve predictions, each in a request of its own, their truths and judgements.
    """
    reference = oc.Reference.from_data(
        features={"ink": [float(n) for n in range(100)]},
        confidences=[0.5 + n / 200 for n in range(100)],
    )

    @oc.track_confidence(
        model=MODEL, version="1", confidence="proba.max", label="label",
        uncertainty="proba.entropy", threshold=0.7, reference=reference, features="row",
    )  # fmt: skip
    def classify(row: dict[str, float], confidence: float) -> dict[str, Any]:  # noqa: ARG001
        return {"label": "seven", "proba": [confidence, *[(1 - confidence) / 2] * 2]}

    traces: dict[float, list[str]] = {}
    for confidence in CONFIDENCES:
        for n in range(EACH):
            with tracer.start_as_current_span("request") as span:
                classify({"ink": float(n * 25)}, confidence)
                oc.record_outcome(oc.last_receipt(), label="seven" if n else "one")
                oc.record_feedback(
                    oc.last_receipt(), score=0.75, type="accuracy", comment=f"write to {EMAIL}"
                )
            traces.setdefault(confidence, []).append(trace_id(span))
    return {"traces": traces}


def failures() -> list[str]:
    """
    Two requests that fail.
    """
    traces = []
    for _ in range(2):
        with tracer.start_as_current_span("request") as span:
            traces.append(trace_id(span))
            with suppress(KeyError), oc.prediction(model=MODEL, version="1"):
                raise KeyError(EMAIL)
    return traces


def slow() -> list[str]:
    """
    One request that takes longer than a second and is sure of itself.
    """
    with tracer.start_as_current_span("request") as span, oc.prediction(model="slow") as p:
        p.set(confidence=0.99)
        time.sleep(1.05)
    return [trace_id(span)]


def confident() -> list[str]:
    """
    Requests that are quick and sure.
    """
    traces = []
    for _ in range(CONFIDENT):
        with tracer.start_as_current_span("request") as span, oc.prediction(model="sure") as p:
            p.set(confidence=0.97)
        traces.append(trace_id(span))
    return traces


def verbs() -> None:
    """
    Everything else that a program may report.
    """
    oc.record_usage(component="search", action="open", duration_s=0.2)
    oc.record_performance(model=MODEL, version="1", metric="accuracy", value=0.875)
    oc.record_performance(
        model=MODEL, version="1", metric="accuracy", value=0.8, estimated=True, lower=0.7, upper=0.9
    )
    oc.record_learning(
        component="ranker", type="online", accuracy=0.75, confidence=0.5, improvement=0.125,
        samples=64,
    )  # fmt: skip
    oc.record_optimization(
        component="ranker", category="latency", before=2.0, after=1.0, user_impact=0.25, id="o-1"
    )
    oc.record_error(
        ValueError("bad"), model=MODEL, version="1", component="ranker", severity="high",
        impact="degraded", recovered=True,
    )  # fmt: skip
    oc.record_resource(type="gpu", name="0", utilization=0.5, used=2**30, allocated=2**31)
    oc.record_data_quality(model=MODEL, version="1", checks={"nulls": True, "range": False})
    oc.record_usage(component="search", action="open", result="no such result")

    @oc.track_confidence(model="faulty", confidence=lambda _: 1 / 0)
    def faulty() -> int:
        return 1

    faulty()


def secrets() -> None:
    """
    What the application itself writes on spans and log records, past the SDK's redaction.
    """
    with tracer.start_as_current_span("pay") as span:
        span.set_attributes(
            {"user.password": PASSWORD, "card": f"paid by {CARD}", "contact": EMAIL, "jwt": TOKEN}
        )
        span.set_status(trace.StatusCode.ERROR, f"declined for {EMAIL}")
        _logs.get_logger("shop").emit(
            severity_number=SeverityNumber.ERROR,
            body=f"payment of {EMAIL} with {CARD} declined",
            attributes={"user.password": PASSWORD, "jwt": TOKEN, "plain": "kept"},
            event_name="shop.payment.declined",
        )


def the_rest(telemetry: oc.Telemetry) -> None:
    """
    The signals of the table that nothing above moves, so that each has a series.
    """
    for n, metric in enumerate(c.METRICS, 1):
        value = n / 8
        if metric.kind == "histogram":
            if metric.name not in telemetry.instruments.names:
                telemetry.instruments.histogram(metric).record(value, labels(metric))
        elif not telemetry.sums.totals(metric.name):
            telemetry.sums.set(metric, labels(metric), value)


def labels(metric: c.Metric) -> dict[str, str]:
    """
    A value for each attribute of a metric.
    """
    return {a.name: a.values[0] if a.values else "some" for a in metric.attributes}


def trace_id(span: trace.Span) -> str:
    """
    A span's trace, in hexadecimal.
    """
    return trace.format_trace_id(span.get_span_context().trace_id)


if __name__ == "__main__":
    main()
