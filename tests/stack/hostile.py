"""
This module is a program that sends what no program should, with good predictions in between.

What goes by the SDK's verbs is contained there; spans and log records of its own, as any library
may make them, go by OpenTelemetry's own interfaces, with OpenTelemetry's limits lifted.
"""

import signal

from opentelemetry import _logs, trace
from opentelemetry._logs import SeverityNumber

import otel_confidence as oc

MODEL = "neighbor"
NEIGHBORS = 20
LONG = "x" * 10_000_000
"""Ten megabytes."""
SURROGATE = "a\ud800b"
MANY = {f"k{n}": "v" * 10 for n in range(10_000)}


def main() -> None:
    """Send, stay."""
    oc.configure(service_name="hostile", metric_attributes=["plan"])
    neighbors()
    by_verbs()
    neighbors()
    by_opentelemetry()
    neighbors()
    oc.flush(120)
    signal.pause()


def neighbors() -> None:
    """Good predictions, unsure enough to be kept."""
    for _ in range(NEIGHBORS):
        with oc.prediction(model=MODEL) as p:
            p.set(confidence=0.5, label="good")


def by_verbs() -> None:
    """What the SDK is told."""
    for text in (LONG, SURROGATE, "nul\x00 \u202e \x1b[31m"):
        with oc.prediction(model=text, version=text) as p:
            p.set(confidence=0.5, label=text)
        oc.record_feedback(p.receipt, score=1.0, comment=text, metadata={"note": text, text: "x"})
        oc.record_usage(component=text, action=text, attributes={"plan": text})
    with oc.prediction(model="many") as p:
        p.set(confidence=0.5)
    oc.record_feedback(p.receipt, score=1.0, metadata=MANY)
    oc.record_optimization(component="c", category="d", before=1, after=2, metadata=MANY)


def by_opentelemetry() -> None:
    """What OpenTelemetry is told."""
    logger = _logs.get_logger("hostile")
    for attributes in ({"long": LONG}, MANY, {"plain": "kept"}):
        with trace.get_tracer("hostile").start_as_current_span("rough", attributes=attributes) as s:
            s.set_status(trace.StatusCode.ERROR, "so that it is kept")
        logger.emit(
            severity_number=SeverityNumber.ERROR,
            body=LONG,
            attributes=attributes,
            event_name="rough",
        )


if __name__ == "__main__":
    main()
