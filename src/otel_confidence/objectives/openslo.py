"""
This module reads objectives from OpenSLO v1.

What is measured stands in a metric source of type ``otel-confidence``, whose ``spec`` has the
fields of our own format. A share of good events is a ``ratioMetric``: either ``raw`` with the
``rawType`` success, or ``good`` and ``total`` with the same source. Where there is a bound it can
be a ``thresholdMetric`` instead, the bound being the objective's ``op`` and ``value``. What of the
format has no meaning here is refused by name, never passed over.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from otel_confidence.located import Located, Misplaced
from otel_confidence.objectives.fields import Problems, days, number, objective, text
from otel_confidence.objectives.indicators import KINDS
from otel_confidence.objectives.objective import Objective

VERSION: Final = "apiVersion"
"""The key by which a document of OpenSLO is known."""
SOURCE: Final = "otel-confidence"
"""The type of metric source that is ours."""
_TARGET: Final = "target"
_BOUNDS: Final = {
    "latency": ("within", "lte"),
    "confidence": ("at_least", "gte"),
    "satisfaction": ("above", "gt"),
    "calibration": ("at_most", "lte"),
    "throughput": ("per_minute", "gte"),
}
"""The bound of each kind that has one, and the operator that it means."""
_SLICE: Final = ("1m", "60s", "1")
"""Ways to write the minute by which time is judged; a bare number is minutes."""


def objectives(found: list[Located], problems: Problems) -> list[tuple[Located, Objective]]:
    """
    The objectives of documents, each with its place.
    """
    indicators: dict[str, Located] = {}
    promises = []
    for document in found:
        with problems.caught():
            kind = _kind(document)
            if kind == "SLI":
                indicators[_name(document)] = _entry(document, "spec")
            else:
                promises.append(document)
    made = [(each, _objective(each, indicators, problems)) for each in promises]
    return [(place, each) for place, each in made if each]


def _kind(document: Located) -> str:
    version = _entry(document, VERSION)
    if text(version) != "openslo/v1":
        raise Misplaced(version, f"must be openslo/v1, got {version.text!r}")
    kind = _entry(document, "kind")
    if text(kind) not in ("SLO", "SLI"):
        raise Misplaced(kind, f"{kind.text!r} is not read, only SLO and SLI are: leave it out")
    return kind.text


def _objective(
    document: Located, indicators: Mapping[str, Located], problems: Problems
) -> Objective | None:
    before = len(problems.messages)
    with problems.caught():
        spec = _entry(document, "spec")
        with problems.caught():
            _only(spec, {"description", "service", "indicator", "indicatorRef", "timeWindow",
                         "budgetingMethod", "objectives"})  # fmt: skip
        known = _around(document, spec, problems)
        promise = _promise(spec)
        with problems.caught():
            known["target"] = _target(promise)
        source, threshold = _source(_indicator(spec, indicators))
        fields = _with_bound(source, promise, threshold=threshold)
        with problems.caught():
            _check_method(spec, promise, fields.entries().get("kind"))
        made = objective(fields, problems, known=known)
        return made if len(problems.messages) == before else None
    return None


def _around(document: Located, spec: Located, problems: Problems) -> dict[str, Any]:
    """
    What stands around the indicator; one that is wrong is told, and stands in for itself.
    """
    known: dict[str, Any] = {"name": "unread", "group": "unread", "target": 0.5, "window_days": 30}
    readers: dict[str, Callable[[], Any]] = {
        "name": lambda: _name(document),
        "group": lambda: text(_entry(spec, "service")),
        "window_days": lambda: _window(spec),
    }
    if "description" in spec.entries():
        readers["description"] = lambda: text(_entry(spec, "description"))
    for name, read in readers.items():
        with problems.caught():
            known[name] = read()
    return known


def _promise(spec: Located) -> Located:
    """
    The only entry of ``objectives``.
    """
    listed = _entry(spec, "objectives")
    if len(listed.items()) != 1:
        raise Misplaced(listed, "must hold one objective: write a document for each")
    only = listed.items()[0]
    _only(only, {"displayName", "op", "value", _TARGET, "targetPercent", "timeSliceWindow"})
    return only


def _indicator(spec: Located, indicators: Mapping[str, Located]) -> Located:
    entries = spec.entries()
    if "indicator" in entries:
        return _entry(entries["indicator"], "spec")
    reference = _entry(spec, "indicatorRef")
    if text(reference) not in indicators:
        raise Misplaced(reference, f"no SLI of the file is named {reference.text!r}")
    return indicators[reference.text]


def _source(indicator: Located) -> tuple[Located, bool]:
    """
    The fields that say what is measured, and whether the objective holds their bound.
    """
    entries = indicator.entries()
    _only(indicator, {"description", "ratioMetric", "thresholdMetric"})
    if "thresholdMetric" in entries:
        return _fields(entries["thresholdMetric"]), True
    ratio = _entry(indicator, "ratioMetric")
    _only(ratio, {"counter", "good", "total", "raw", "rawType"})
    parts = ratio.entries()
    if "raw" in parts:
        raw = _entry(ratio, "rawType")
        if raw.value != "success":
            raise Misplaced(raw, f"must be success, the share that is good, got {raw.text!r}")
        return _fields(parts["raw"]), False
    good, total = _fields(_entry(ratio, "good")), _fields(_entry(ratio, "total"))
    if _plain(good) != _plain(total):
        raise Misplaced(total, "must say the same as good: one source knows both")
    return good, False


def _fields(metric: Located) -> Located:
    source = _entry(metric, "metricSource")
    _only(source, {"type", "spec"})
    kind = _entry(source, "type")
    if kind.value != SOURCE:
        raise Misplaced(kind, f"must be {SOURCE}, the only source that is read, got {kind.text!r}")
    return _entry(source, "spec")


def _with_bound(fields: Located, promise: Located, *, threshold: bool) -> Located:
    """
    The fields, with the objective's ``value`` as their bound where that is the threshold.
    """
    entries, promised = fields.entries(), promise.entries()
    if not threshold:
        for key in promised.keys() & {"op", "value"}:
            raise Misplaced(promised[key], "belongs to a thresholdMetric: remove it")
        return fields
    kind = _entry(fields, "kind")
    if kind.text not in _BOUNDS:
        raise Misplaced(
            kind, f"must be one of {', '.join(_BOUNDS)} in a thresholdMetric, got {kind.text!r}"
        )
    name, operator = _BOUNDS[kind.text]
    op, value = _entry(promise, "op"), _entry(promise, "value")
    if op.value != operator:
        raise Misplaced(op, f"must be {operator} for {kind.text}, got {op.text!r}")
    if name in entries:
        raise Misplaced(entries[name], "is the objective's value: remove it here")
    return Located({**entries, name: value}, "", fields.line, fields.column, fields.path)


def _check_method(spec: Located, promise: Located, kind: Located | None) -> None:
    if kind is None or kind.text not in KINDS:
        return  # which is told with the other fields
    method = _entry(spec, "budgetingMethod")
    needed = "Timeslices" if KINDS[kind.text].sliced else "Occurrences"
    if method.value != needed:
        raise Misplaced(method, f"must be {needed} for {kind.value}, got {method.text!r}")
    width = promise.entries().get("timeSliceWindow")
    if width is not None and (needed == "Occurrences" or width.text not in _SLICE):
        raise Misplaced(width, "must be 1m, and only of Timeslices: time is judged by the minute")


def _target(promise: Located) -> float:
    entries = promise.entries()
    if "targetPercent" not in entries:
        return number(_entry(promise, _TARGET))
    if _TARGET in entries:
        raise Misplaced(entries["targetPercent"], "can't stand beside target: keep one")
    percent = entries["targetPercent"]
    whole = Located(f"{percent.text}%", f"{percent.text}%", percent.line, percent.column,
                    percent.path)  # fmt: skip
    return number(whole)


def _window(spec: Located) -> int:
    listed = _entry(spec, "timeWindow")
    if len(listed.items()) != 1:
        raise Misplaced(listed, "must hold one window")
    window = listed.items()[0]
    _only(window, {"duration", "isRolling"})
    rolling = _entry(window, "isRolling")
    if rolling.value is not True:
        raise Misplaced(rolling, "must be rolling: calendar windows are not read")
    return days(_entry(window, "duration"))


def _name(document: Located) -> str:
    return text(_entry(_entry(document, "metadata"), "name"))


def _entry(place: Located, key: str) -> Located:
    entries = place.entries()
    if key not in entries:
        raise Misplaced(place, f"needs {key}")
    return entries[key]


def _only(place: Located, known: set[str]) -> None:
    for key, value in place.entries().items():
        if key not in known:
            raise Misplaced(value, f"is not read; of OpenSLO there are {', '.join(sorted(known))}")


def _plain(place: Located) -> Any:
    if isinstance(place.value, dict):
        return {key: _plain(value) for key, value in place.value.items()}
    return [_plain(each) for each in place.value] if isinstance(place.value, list) else place.value
