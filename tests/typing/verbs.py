"""This module holds what type checkers must make of the other names of the door; never run."""

from collections.abc import Sequence

from typing_extensions import assert_type

import otel_confidence as oc

assert_type(oc.configure(service_name="a"), oc.Telemetry)
assert_type(oc.flush(), bool)
assert_type(oc.shutdown(1.0), bool)
assert_type(oc.last_receipt(), str)
receipts: Sequence[str] = oc.last_receipts()

with oc.prediction(model="m", version="1", threshold=0.5) as p:
    p.set(confidence=0.9, label="cat", uncertainty=0.1, method="entropy")
assert_type(p, oc.Call)
assert_type(p.receipt, str)

oc.record_outcome(p.receipt, label=4)
oc.record_outcome(p.receipt, correct=True)
oc.record_feedback(p.receipt, score=0.8, type="ease_of_use")

oc.record_performance(model="m", metric="accuracy", value=0.96)
oc.record_error(KeyError("shard"), component="cache", severity="low", recovered=True)
with oc.usage(component="search", action="query") as action:
    assert_type(action, oc.Action)
oc.record(oc.Usage("search", "query"), oc.Learning("ranker", samples=20))
carrier: dict[str, str] = {}
oc.inject_receipt(carrier, p.receipt)
assert_type(oc.extract_receipt(carrier), str)
reference = oc.Reference.from_data(confidences=[0.5, 0.9])
assert_type(reference, oc.Reference)
oc.track_confidence(model="m", reference=reference)

oc.prediction("m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
oc.prediction(model="m", threshold="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
oc.track_confidence(model=1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
oc.track_confidence(model="m")(5)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
oc.track_confidence(model="m", treshold=0.5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
oc.record_feedback(p.receipt)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
oc.record_performance(model="m", metric="f1", value="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
oc.record("query")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
oc.configure(service="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
