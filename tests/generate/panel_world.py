"""
This module makes an hour of a small fleet: every metric there is, and what rules record of it.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import yaml
from tests.generate.foreign import FOREIGN
from tests.generate.panels import ROOT
from tests.model_history import Memory

from otel_confidence import conventions as c
from otel_confidence.points import NAME_LABEL, Sample, Selection, Series
from otel_confidence.query.promql import Engine

NOW = 1_790_002_800
"""The end of the hour; a multiple of the step."""
STEP_S = 60
LENGTH_S = 4800
WEEK_S = 7 * 86_400
MODELS = (("digits", "1"), ("digits", "2"), ("letters", "1"))
LATE = ("digits", "2")
"""A version that came up within the hour."""
COMMON = {"job": "demo", "instance": "a", "service_name": "digits-service"}
OPEN: dict[str, tuple[str, ...]] = {
    c.FEATURE_NAME.label: ("pixel_0", "pixel_1"),
    c.FEATURE_BIN.label: ("0.5", "2.0", "+Inf"),
    c.REFERENCE_EDGE.label: tuple(f"{edge:g}" for edge in c.CONFIDENCE_EDGES),
    c.BIN.label: tuple(f"{edge:g}" for edge in c.CALIBRATION_EDGES),
    c.ERROR_TYPE.label: ("", "ValueError"),
    c.PREDICTION_CLASS.label: ("4",),
    c.SOURCE.label: ("probability",),
}
"""Values of labels that take any; two of each label that takes known ones are enough."""
CALIBRATION = {
    c.CALIBRATION_CONFIDENCE.prometheus: -0.05,
    c.CALIBRATION_CORRECT.prometheus: -0.08,
}
"""How far from the bin's upper edge what is counted lies, for each prediction."""
RARE = 0.005
"""Failed calls in a step: fewer than the objective of availability allows."""
Labels = dict[str, str]


def world() -> Memory:
    """
    The fleet's samples, and the recordings of the last minutes.
    """
    memory = Memory()
    for metric in c.METRICS:
        memory.add(_of(metric))
    memory.add(_foreign())
    memory.add(_alerts())
    _record(memory)
    return memory


def shown(memory: Memory) -> list[Selection]:
    """
    What panels look at: the last hour and what their windows look back to before it.
    """
    return memory.select([], (NOW - LENGTH_S) * 1000 - 1, NOW * 1000)


def _of(metric: c.Metric) -> Iterator[Sample]:
    for number, labels in enumerate(_labels(metric)):
        if metric.kind == "histogram":
            yield from _histogram(metric, labels)
        elif metric.kind == "counter":
            if metric is c.PREDICTIONS:
                yield from _series(metric.prometheus, labels, per_step=12.0, end=NOW - WEEK_S)
            yield from _series(metric.prometheus, labels, per_step=_growth(metric, labels, number))
        else:
            yield from _series(metric.prometheus, labels, level=_level(metric, labels))


def _labels(metric: c.Metric) -> list[Labels]:
    """
    Some of the label sets that a metric has.
    """
    own = [a.label for a in metric.attributes if a not in {c.MODEL_NAME, c.MODEL_VERSION}]
    values = {a.label: a.values[:2] or OPEN.get(a.label, ("some",)) for a in metric.attributes}
    models: list[Labels] = [{}]
    if c.MODEL_NAME in metric.attributes:
        models = [{c.MODEL_NAME.label: m, c.MODEL_VERSION.label: v} for m, v in MODELS]
    sets = (
        _without_bin({**model, **dict(zip(own, chosen, strict=True))})
        for model in models
        for chosen in product(*(OPEN.get(label, values[label]) for label in own))
    )
    return [dict(pairs) for pairs in dict.fromkeys(tuple(each.items()) for each in sets)]


def _without_bin(labels: Labels) -> Labels:
    """
    A missing value has no bin.
    """
    missing = labels.get(c.FEATURE_STATE.label) == "missing"
    return {k: v for k, v in labels.items() if v and not (missing and k == c.FEATURE_BIN.label)}


def _growth(metric: c.Metric, labels: Labels, number: int) -> float:
    if metric.prometheus in CALIBRATION:
        return 20 * (float(labels[c.BIN.label]) + CALIBRATION[metric.prometheus])
    return {c.CALIBRATION_PREDICTIONS: 20.0, c.CALIBRATION_SQUARED_ERROR: 2.0}.get(
        metric, 10.0 + number % 7
    )


def _level(metric: c.Metric, labels: Labels) -> float:
    if metric is c.REFERENCE_CONFIDENCE:
        return float(labels[c.REFERENCE_EDGE.label])
    return 0.25


def _histogram(metric: c.Metric, labels: Labels) -> Iterator[Sample]:
    grown = RARE if labels.get(c.ERROR_TYPE.label) else 10.0
    for place, edge in enumerate((*metric.edges, np.inf)):
        le = "+Inf" if np.isinf(edge) else f"{edge:g}"
        held = grown * (place + 1) / (len(metric.edges) + 1)
        yield from _series(f"{metric.prometheus}_bucket", {**labels, "le": le}, per_step=held)
    yield from _series(f"{metric.prometheus}_count", labels, per_step=grown)
    middle = metric.edges[len(metric.edges) // 2]
    yield from _series(f"{metric.prometheus}_sum", labels, per_step=grown * middle)


def _foreign() -> Iterator[Sample]:
    """
    What the stack's other programs say, and that one of ours was replaced by a newer version.
    """
    for name, labels in FOREIGN.items():
        if name not in {"ALERTS", "target_info"}:
            said = {"job": "otel-gateway", "instance": "g", **dict.fromkeys(labels, "some")}
            yield from _series(name, said, per_step=3.0)
    for version, age in (("1", LENGTH_S), ("2", 1800)):
        yield from _series("target_info", {**COMMON, "service_version": version}, level=1, age=age)


def _alerts() -> Iterator[Sample]:
    of_model = {"severity": "warning", "topic": "confidence"}
    of_model |= {c.MODEL_NAME.label: "digits", c.MODEL_VERSION.label: "1"}
    of_slo = {"severity": "critical", "sloth_service": "digits", "sloth_slo": "accuracy"}
    for labels in (of_model, of_slo, {"severity": "warning", "topic": "telemetry"}):
        labels |= {"alertname": f"Some{len(labels)}", "alertstate": "firing"}
        yield from _series("ALERTS", labels, level=1, age=1200)


def _series(
    name: str,
    labels: Labels,
    *,
    per_step: float = 0.0,
    level: float = 0.0,
    end: int = NOW,
    age: int = LENGTH_S,
) -> Iterator[Sample]:
    late = (labels.get(c.MODEL_NAME.label), labels.get(c.MODEL_VERSION.label)) == LATE
    start = end - (1800 if late and name != "ALERTS" else age)
    every = {**(COMMON if "job" not in labels else {}), **labels, NAME_LABEL: name}
    series = Series(tuple(sorted(every.items())))
    for place, moment in enumerate(range(start, end + 1, STEP_S)):
        yield Sample(series, moment * 1000, level + place * per_step)


def _record(memory: Memory) -> None:
    """
    Evaluate the recording rules, each on what was recorded before it.
    """
    engine = Engine(memory)
    for rule in _recordings():
        answer = engine.query_range(rule["expr"], start=NOW - 600, end=NOW, step=STEP_S)
        for found in answer.series:
            kept = {k: v for k, v in found.labels if k != NAME_LABEL}
            labels = kept | rule.get("labels", {}) | {NAME_LABEL: rule["record"]}
            series = Series(tuple(sorted(labels.items())))
            points = zip(found.times_ms.tolist(), found.values.tolist(), strict=True)
            memory.add(Sample(series, moment, value) for moment, value in points)


def _recordings() -> list[dict[str, Any]]:
    return [
        rule
        for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
