"""
This module is a program that predicts steadily and says in the end what it sent.

Run as ``python -m tests.campaigns.stack_faults.load FOLDER NUMBER RATE MODEL``. It predicts until
there is a file ``stop`` in the folder, sends what waits, and writes what happened into
``NUMBER.json``. Each prediction is a trace of its own, unsure enough to be kept by the sampling.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from opentelemetry import trace

import otel_confidence as oc

SERVICE = "load"
STOP = "stop"
PATIENCE_S = 180.0
"""How long it tries to deliver its last metrics."""


def main() -> None:
    """Predict, stop, deliver, write down."""
    folder, number, rate, model = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
    telemetry = oc.configure(service_name=SERVICE)
    made: list[tuple[str, float]] = []
    began = time.monotonic()
    while not (folder / STOP).exists() and not (folder / f"{STOP}-{model}").exists():
        made.append(predict(model))
        time.sleep(max(began + len(made) / rate - time.monotonic(), 0))
    deadline = time.monotonic() + PATIENCE_S
    while not (flushed := oc.flush(20)) and time.monotonic() < deadline:
        time.sleep(0.5)
    said = {
        "made": made,
        "flushed": flushed,
        "dropped": ledger(telemetry, "otel_confidence.dropped"),
        "records": ledger(telemetry, "otel_confidence.records"),
    }
    fresh = folder / f"{number}.new"
    fresh.write_text(json.dumps(said))
    fresh.replace(folder / f"{number}.json")
    oc.shutdown()


def predict(model: str) -> tuple[str, float]:
    """One prediction; its span's id and when it ended."""
    with oc.prediction(model=model, version="1") as p:
        p.set(confidence=0.5, label="seven")
        span = trace.get_current_span().get_span_context().span_id
    return trace.format_span_id(span), time.time()


def ledger(telemetry: oc.Telemetry, metric: str) -> dict[str, float]:
    """What the SDK counted, by signal and reason."""
    found: dict[str, float] = {}
    for attributes, total in telemetry.sums.totals(metric):
        key = " ".join(str(value) for _, value in sorted(attributes.items(), reverse=True))
        found[key] = found.get(key, 0) + total
    return found


def read(folder: Path) -> list[Any]:
    """What programs of a folder said."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


if __name__ == "__main__":
    main()
