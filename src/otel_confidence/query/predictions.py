"""
This module reads single predictions: their events, and the spans of their traces.

The statements are SQL in ClickHouse's dialect over the tables of the store's schema and contain no
value: names and values alike are bound on the engine's side.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa

from otel_confidence import conventions as c
from otel_confidence.points import Event, Span, SpanEvent, SpanLink
from otel_confidence.query.questions import number

_MOST_SPANS: Final = 1000
_MOST_EVENTS: Final = 1000
_ATTRIBUTES: Final = {
    "model_key": c.MODEL_NAME.name,
    "version_key": c.MODEL_VERSION.name,
    "id_key": c.PREDICTION_ID.name,
    "outcome_key": c.OUTCOME.name,
    "truth_key": c.TRUTH.name,
    "outcome_event": c.OUTCOME_KNOWN.name,
}
_LOW_CONFIDENCE: Final = """
WITH recent AS (
    SELECT toUnixTimestamp64Nano(time) AS time_ns, trace_id, attributes,
           attributes[{id_key:String}] AS id
    FROM events
    WHERE name = {event:String}
      AND time > fromUnixTimestamp64Nano({after_ns:Int64})
      AND attributes[{model_key:String}] = {model:String}
      AND ({version:String} = '' OR attributes[{version_key:String}] = {version:String})
    ORDER BY time DESC
    LIMIT {most:UInt32}
), known AS (
    SELECT attributes[{id_key:String}] AS id,
           argMax(attributes[{outcome_key:String}], time) AS outcome,
           argMax(attributes[{truth_key:String}], time) AS truth
    FROM events
    WHERE name = {outcome_event:String}
      AND time > fromUnixTimestamp64Nano({after_ns:Int64})
      AND attributes[{id_key:String}] IN (SELECT id FROM recent WHERE id != '')
    GROUP BY id
)
SELECT recent.time_ns AS time_ns, recent.trace_id AS trace_id, recent.attributes AS attributes,
       known.outcome AS outcome, known.truth AS truth
FROM recent LEFT JOIN known ON recent.id = known.id
ORDER BY time_ns DESC
"""
_EVENTS_OF_PREDICTION: Final = """
SELECT toUnixTimestamp64Nano(time) AS time_ns, name, severity, severity_text, body, trace_id,
       span_id, attributes, resource
FROM events
WHERE attributes[{id_key:String}] = {id:String}
  AND time >= fromUnixTimestamp64Nano({from_ns:Int64})
ORDER BY time_ns
LIMIT {most:UInt32}
"""
_EVENTS_OF_TRACE: Final = """
SELECT toUnixTimestamp64Nano(time) AS time_ns, name, severity, severity_text, body, trace_id,
       span_id, attributes, resource
FROM events
WHERE trace_id = {trace_id:String}
ORDER BY time_ns
LIMIT {most:UInt32}
"""
_SERIES_OF_MODEL: Final = """
SELECT 1 AS found
FROM series
WHERE labels[{model_label:String}] = {model:String}
  AND ({version:String} = '' OR labels[{version_label:String}] = {version:String})
LIMIT 1
"""
_SPANS_OF_TRACE: Final = """
SELECT trace_id, span_id, parent_id, name, kind, toUnixTimestamp64Nano(start) AS start_ns,
       toUnixTimestamp64Nano(end) AS end_ns, status, status_message, attributes, resource,
       arrayMap(e -> toUnixTimestamp64Nano(e.1), events) AS event_times_ns,
       arrayMap(e -> e.2, events) AS event_names,
       arrayMap(e -> e.3, events) AS event_attributes,
       arrayMap(l -> l.1, links) AS link_trace_ids,
       arrayMap(l -> l.2, links) AS link_span_ids,
       arrayMap(l -> l.3, links) AS link_attributes
FROM spans
WHERE trace_id = {trace_id:String}
ORDER BY start_ns
LIMIT {most:UInt32}
"""


class Sql(Protocol):
    """
    Anything that answers SQL: the store in process or a ClickHouse server's client.
    """

    def sql(self, statement: str, parameters: Mapping[str, Any]) -> pa.Table:
        """
        The rows of a statement whose ``{name:Type}`` places are bound to the parameters.
        """
        ...


@dataclass(frozen=True, slots=True)
class Prediction:
    """
    One prediction as its events tell it; NaN and '' where they do not.
    """

    time_s: float
    trace_id: str
    id: str
    model: str
    version: str
    confidence: float
    threshold: float
    label: str
    truth: str
    outcome: str
    """A value of :data:`~otel_confidence.conventions.OUTCOME`; '' while the truth is not known."""


def is_known(store: Sql, model: str, version: str = "") -> bool:
    """
    Whether a model, or one of its versions, has reported anything that is still kept.
    """
    asked = {
        "model_label": c.MODEL_NAME.label,
        "version_label": c.MODEL_VERSION.label,
        "model": model,
        "version": version,
    }
    return bool(store.sql(_SERIES_OF_MODEL, asked).num_rows)


def latest_low_confidence(
    store: Sql, model: str, *, version: str = "", after_s: float, most: int = 20
) -> list[Prediction]:
    """
    A model's latest predictions below their threshold, newest first, with their truth if known.
    """
    parameters = {
        **_ATTRIBUTES,
        "event": c.LOW_CONFIDENCE_RESULT.name,
        "model": model,
        "version": version,
        "after_ns": round(after_s * 1e9),
        "most": most,
    }
    return [
        _prediction(row["time_ns"], row["trace_id"], dict(row["attributes"]), row)
        for row in store.sql(_LOW_CONFIDENCE, parameters).to_pylist()
    ]


def events_of_prediction(store: Sql, prediction_id: str, *, from_s: float) -> list[Event]:
    """
    What was recorded of one prediction: result, outcome and feedback, oldest first.

    Args:
        store: Where the events are.
        prediction_id: The id in its receipt.
        from_s: Epoch seconds of the prediction, or before; bounds what is read.
    """
    parameters = {
        **_ATTRIBUTES,
        "id": prediction_id,
        "from_ns": round(from_s * 1e9),
        "most": _MOST_EVENTS,
    }
    return [_event(row) for row in store.sql(_EVENTS_OF_PREDICTION, parameters).to_pylist()]


def events_of_trace(store: Sql, trace_id: str) -> list[Event]:
    """
    The events recorded within a trace, oldest first.
    """
    parameters = {"trace_id": trace_id, "most": _MOST_EVENTS}
    return [_event(row) for row in store.sql(_EVENTS_OF_TRACE, parameters).to_pylist()]


def spans_of_trace(store: Sql, trace_id: str) -> list[Span]:
    """
    A trace's spans by start; of a longer trace the first thousand.
    """
    parameters = {"trace_id": trace_id, "most": _MOST_SPANS}
    return [_span(row) for row in store.sql(_SPANS_OF_TRACE, parameters).to_pylist()]


def as_prediction(events: Iterable[Event]) -> Prediction | None:
    """
    The first prediction that these events tell of, with its truth if they know it.
    """
    ordered = list(events)
    told = {c.RESULT.name, c.LOW_CONFIDENCE_RESULT.name}
    result = next((event for event in ordered if event.name in told), None)
    if result is None:
        return None
    prediction_id = result.attributes.get(c.PREDICTION_ID.name)
    learned: dict[str, str] = {}
    for event in ordered:
        same = event.attributes.get(c.PREDICTION_ID.name) == prediction_id
        if same and event.name == c.OUTCOME_KNOWN.name:
            learned |= event.attributes
    known = {"outcome": learned.get(c.OUTCOME.name), "truth": learned.get(c.TRUTH.name)}
    return _prediction(result.time_ns, result.trace_id, result.attributes, known)


def _prediction(
    time_ns: int, trace_id: str, attributes: Mapping[str, str], known: Mapping[str, Any]
) -> Prediction:
    return Prediction(
        time_s=time_ns / 1e9,
        trace_id=trace_id,
        id=attributes.get(c.PREDICTION_ID.name, ""),
        model=attributes.get(c.MODEL_NAME.name, ""),
        version=attributes.get(c.MODEL_VERSION.name, ""),
        confidence=number(attributes.get(c.CONFIDENCE.name, "")),
        threshold=number(attributes.get(c.THRESHOLD.name, "")),
        label=attributes.get(c.LABEL.name, ""),
        truth=known.get("truth") or "",
        outcome=known.get("outcome") or "",
    )


def _event(row: Mapping[str, Any]) -> Event:
    texts = {key: dict(row[key]) for key in ("attributes", "resource")}
    return Event(**{**row, **texts})


def _span(row: Mapping[str, Any]) -> Span:
    return Span(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_id=row["parent_id"],
        name=row["name"],
        kind=row["kind"],
        start_ns=row["start_ns"],
        end_ns=row["end_ns"],
        status=row["status"],
        status_message=row["status_message"],
        attributes=dict(row["attributes"]),
        resource=dict(row["resource"]),
        events=tuple(
            SpanEvent(time_ns, name, dict(attributes))
            for time_ns, name, attributes in zip(
                row["event_times_ns"], row["event_names"], row["event_attributes"], strict=True
            )
        ),
        links=tuple(
            SpanLink(trace_id, span_id, dict(attributes))
            for trace_id, span_id, attributes in zip(
                row["link_trace_ids"], row["link_span_ids"], row["link_attributes"], strict=True
            )
        ),
    )
