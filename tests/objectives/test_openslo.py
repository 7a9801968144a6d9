"""
This module checks how objectives are read from OpenSLO v1.
"""

from typing import Any

import pytest
import yaml

from otel_confidence.errors import ObjectiveError
from otel_confidence.objectives import (
    Accuracy,
    Calibration,
    Confidence,
    Freshness,
    Indicator,
    Latency,
    Objective,
    Satisfaction,
    Throughput,
    read_text,
)

Mapping = dict[str, Any]


def source(kind: str, **fields: Any) -> Mapping:
    """
    A metric source of ours.
    """
    spec = {"kind": kind, "model": "digits", **fields}
    return {"metricSource": {"type": "otel-confidence", "spec": spec}}


def raw(kind: str, **fields: Any) -> Mapping:
    """
    A ratio of good events.
    """
    return {"ratioMetric": {"rawType": "success", "raw": source(kind, **fields)}}


def document(indicator: Mapping, *, method: str = "Occurrences", **promise: Any) -> Mapping:
    """
    A document of OpenSLO.
    """
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "n", "displayName": "N"},
        "spec": {
            "description": "What for.",
            "service": "shop",
            "indicator": {"metadata": {"name": "i"}, "spec": indicator},
            "timeWindow": [{"duration": "4w", "isRolling": True}],
            "budgetingMethod": method,
            "objectives": [{"displayName": "Good", "target": 0.99, **promise}],
        },
    }


def read(*documents: Mapping) -> tuple[Objective, ...]:
    """
    The objectives of documents.
    """
    return read_text(yaml.safe_dump_all(documents, sort_keys=False), "slo.yaml")


def changed(path: str, value: Any) -> Mapping:
    """
    A right document with one value changed, or removed where that is None.
    """
    made = document(raw("accuracy"))
    place: Any = made
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return made


def test_a_ratio_is_read() -> None:
    """
    Name, service, target, window and description come from the document, the rest from the source.
    """
    found = read(document(raw("accuracy", version="2", min_events=30)))

    assert (
        Objective(
            "n", Accuracy(), 0.99, "digits", "2", window_days=28, min_events=30, group="shop",
            description="What for.",
        ),
    ) == found  # fmt: skip


def test_good_and_total_of_one_source_are_a_ratio() -> None:
    """
    OpenSLO's usual pair is read where both parts say the same.
    """
    both = {
        "ratioMetric": {"counter": True, "good": source("accuracy"), "total": source("accuracy")}
    }

    assert Accuracy() == read(document(both))[0].indicator


@pytest.mark.parametrize(
    ("metric", "bound", "method", "indicator"),
    [
        (source("latency"), ("lte", 0.25), "Occurrences", Latency(0.25)),
        (source("confidence"), ("gte", 0.8), "Occurrences", Confidence(0.8)),
        (source("satisfaction"), ("gt", 0.7), "Occurrences", Satisfaction(0.7)),
        (source("calibration", over="6h"), ("lte", 0.05), "Timeslices", Calibration(0.05, 21600)),
        (source("throughput"), ("gte", 10), "Timeslices", Throughput(10.0)),
    ],
)
def test_a_threshold_is_the_objectives_value(
    metric: Mapping, bound: tuple[str, float], method: str, indicator: Indicator
) -> None:
    """
    The bound of a kind can be the objective's ``op`` and ``value``.
    """
    op, value = bound

    found = read(document({"thresholdMetric": metric}, method=method, op=op, value=value))

    assert indicator == found[0].indicator


def test_time_is_judged_in_slices_of_a_minute() -> None:
    """
    Slices of a minute may be spelled out, in minutes or as a length of time.
    """
    fresh = raw("freshness", of="truth", within="1h")

    found = [
        read(document(fresh, method="Timeslices", timeSliceWindow=width))[0].indicator
        for width in ("1m", "60s", 1)
    ]

    assert [Freshness("truth")] * 3 == found


def test_an_indicator_of_its_own_is_found() -> None:
    """
    A document can name an SLI that stands elsewhere in the file.
    """
    promise = changed("spec.indicator", None)
    promise["spec"]["indicatorRef"] = "i"
    shared = {
        "apiVersion": "openslo/v1",
        "kind": "SLI",
        "metadata": {"name": "i"},
        "spec": raw("accuracy"),
    }

    assert Accuracy() == read(promise, shared)[0].indicator


def test_a_percentage_is_a_target() -> None:
    """
    ``targetPercent`` says the same as ``target``.
    """
    promise = document(raw("accuracy"), targetPercent=99.9)
    del promise["spec"]["objectives"][0]["target"]

    assert 0.999 == read(promise)[0].target


@pytest.mark.parametrize(
    ("wrong", "place", "remedy"),
    [
        (changed("apiVersion", "openslo/v1alpha"), "apiVersion", "must be openslo/v1"),
        (changed("kind", "AlertPolicy"), "kind", "only SLO and SLI are"),
        (changed("metadata", None), "", "needs metadata"),
        (changed("spec.alertPolicies", ["p"]), "spec.alertPolicies", "is not read"),
        (changed("spec.timeWindow.0.isRolling", False), "spec.timeWindow[0].isRolling",
         "calendar windows are not read"),
        (changed("spec.timeWindow.0.calendar", {"timeZone": "UTC"}), "spec.timeWindow[0].calendar",
         "is not read"),
        (changed("spec.timeWindow.0.duration", "1M"), "spec.timeWindow[0].duration", "7d, 28d"),
        (changed("spec.timeWindow", []), "spec.timeWindow", "one window"),
        (changed("spec.budgetingMethod", "RatioTimeslices"), "spec.budgetingMethod",
         "must be Occurrences for accuracy"),
        (changed("spec.objectives", [{}, {}]), "spec.objectives", "one objective"),
        (changed("spec.objectives.0.compositeWeight", 2), "spec.objectives[0].compositeWeight",
         "is not read"),
        (changed("spec.objectives.0.op", "gt"), "spec.objectives[0].op", "thresholdMetric"),
        (changed("spec.objectives.0.timeSliceWindow", "5m"), "spec.objectives[0].timeSliceWindow",
         "by the minute"),
        (changed("spec.objectives.0.targetPercent", 99), "spec.objectives[0].targetPercent",
         "keep one"),
        (changed("spec.objectives.0.target", 99), "", "write 99%"),
        (changed("spec.indicator", None), "spec", "needs indicatorRef"),
        (changed("spec.indicator.spec", {"ratioMetric": {"raw": {}}}),
         "spec.indicator.spec.ratioMetric", "needs rawType"),
        (changed("spec.indicator.spec.ratioMetric.rawType", "failure"),
         "spec.indicator.spec.ratioMetric.rawType", "must be success"),
        (changed("spec.indicator.spec.ratioMetric.raw.metricSource.type", "Datadog"),
         "spec.indicator.spec.ratioMetric.raw.metricSource.type", "the only source"),
        (changed("spec.indicator.spec.ratioMetric.raw.metricSource.spec.kind", "speed"),
         "spec.indicator.spec.ratioMetric.raw.metricSource.spec.kind", "one of availability"),
        (changed("spec.indicator.spec.ratioMetric.raw.metricSource.spec.target", 0.9),
         "spec.indicator.spec.ratioMetric.raw.metricSource.spec.target", "is said elsewhere"),
        (document({"thresholdMetric": source("accuracy")}, op="gte", value=1),
         "spec.indicator.spec.thresholdMetric.metricSource.spec.kind", "one of latency"),
        (document({"thresholdMetric": source("latency")}, op="gte", value=1),
         "spec.objectives[0].op", "must be lte"),
        (document({"thresholdMetric": source("latency", within="1s")}, op="lte", value=1),
         "spec.indicator.spec.thresholdMetric.metricSource.spec.within", "remove it here"),
        (document({"ratioMetric": {"good": source("accuracy"), "total": source("latency")}}),
         "spec.indicator.spec.ratioMetric.total", "the same as good"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_here_is_refused_by_name(
    wrong: Mapping, place: str, remedy: str
) -> None:
    """
    The error names the place of the document that is not understood, and what would be.
    """
    with pytest.raises(ObjectiveError) as refused:
        read(wrong)

    told = str(refused.value)
    assert told.startswith("slo.yaml:")
    assert place in told
    assert remedy in told


def test_a_reference_to_nothing_is_refused() -> None:
    """
    An SLI that the file lacks is named.
    """
    promise = changed("spec.indicator", None)
    promise["spec"]["indicatorRef"] = "gone"

    with pytest.raises(ObjectiveError, match="no SLI of the file is named 'gone'"):
        read(promise)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (None, "one of availability, latency"),
        ("speed", "one of availability, latency"),
        (["latency"], "must be text, got a list"),
    ],
)
def test_a_kind_that_is_none_is_told_once(kind: Any, remedy: str) -> None:
    """
    A source without a kind, or of one that is none, is one complaint.
    """
    path = "spec.indicator.spec.ratioMetric.raw.metricSource.spec.kind"
    with pytest.raises(ObjectiveError) as refused:
        read(changed(path, kind))

    (told,) = str(refused.value).splitlines()
    assert remedy in told


def test_everything_wrong_with_a_document_is_said() -> None:
    """
    What is wrong around an indicator hides neither each other nor what is wrong within it.
    """
    wrong = document(raw("accuracy", min_event=5, window="7d"))
    wrong["metadata"] = {}
    wrong["spec"]["owner"] = "me"
    wrong["spec"]["timeWindow"] = [{"duration": "1M", "isRolling": True}]
    wrong["spec"]["budgetingMethod"] = "Timeslices"
    wrong["spec"]["objectives"] = [{"targetPercent": 190}]
    with pytest.raises(ObjectiveError) as refused:
        read(wrong)

    told = [line.split(": ", 2)[1:] for line in str(refused.value).splitlines()]
    assert [
        "spec.owner", "metadata", "spec.timeWindow[0].duration", "spec.objectives[0].targetPercent",
        "spec.budgetingMethod", "min_event", "window",
    ] == [path.removeprefix("spec.indicator.spec.ratioMetric.raw.metricSource.spec.")
          for path, _ in told]  # fmt: skip
    assert "must be above 0% and below 100%, got 190%" in str(refused.value)
