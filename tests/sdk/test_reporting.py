"""This module checks the verbs: what each report becomes, and that none of them raises."""

import asyncio
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry import metrics

import otel_confidence as oc
from otel_confidence import conventions as c
from otel_confidence.sdk.current import used
from otel_confidence.testing import Capture

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "reporting.md"


def _series(capture: Capture, metric: str) -> list[tuple[dict[str, Any], float]]:
    return [(dict(p.attributes), p.value) for p in capture.points(metric)]


def test_performance_is_a_gauge_by_metric(telemetry: Capture) -> None:
    """
    The last number reported for a metric stands until the next.
    """
    for value in (0.5, np.float32(0.75)):
        telemetry.record_performance(model="m", version="1", metric="accuracy", value=value)
    expected = {"ml.model.name": "m", "ml.model.version": "1", "ml.performance.metric": "accuracy"}

    assert [(expected, 0.75)] == _series(telemetry, "ml.performance.value")
    assert [(expected, 0.75)] == _series(telemetry, "ml.performance.value")


def test_estimate_has_its_bounds(telemetry: Capture) -> None:
    """
    An estimate stands beside what was measured, with its bounds.
    """
    telemetry.record_performance(
        model="m", metric="accuracy", value=0.8, estimated=True, lower=0.7, upper=0.9
    )
    bounds = {
        p.attributes["ml.performance.bound"]: p.value
        for p in telemetry.points("ml.performance.estimated")
    }

    assert {"point": 0.8, "lower": 0.7, "upper": 0.9} == bounds
    assert [] == telemetry.points("ml.performance.value")


def test_usage_counts_by_result_and_publishes_the_other_as_zero(telemetry: Capture) -> None:
    """
    An action counts under its result, and failures exist at zero before the first one.
    """
    telemetry.record_usage(component="search", action="open", duration_s=0.25)
    action = {"ml.component.name": "search", "ml.component.action.name": "open"}
    results = {
        p.attributes["ml.component.action.result"]: p.value
        for p in telemetry.points("ml.component.actions")
    }
    (duration,) = telemetry.points("ml.component.action.duration")

    assert {"success": 1, "failure": 0} == results
    assert action | {"ml.component.action.result": "success"} == dict(duration.attributes)
    assert (0.25, 1) == (duration.value, duration.count)


def _fail_after(seconds: float, capture: Capture) -> None:
    with capture.usage(component="search", action="open"):
        capture.clock.advance(seconds)
        raise KeyError


def test_usage_is_timed_by_a_with_block(telemetry: Capture) -> None:
    """
    A block is timed; what it raises passes and is a failure; it can also say that it failed.
    """
    with telemetry.usage(component="search", action="open"):
        telemetry.clock.advance(2)
    with pytest.raises(KeyError):
        _fail_after(3, telemetry)
    with telemetry.usage(component="search", action="open") as action:
        action.fail()

    assert {"success": 1, "failure": 2} == telemetry.by(
        "ml.component.actions", "ml.component.action.result"
    )
    assert 5 == sum(p.value for p in telemetry.points("ml.component.action.duration"))


async def test_canceled_usage_is_no_failure(telemetry: Capture) -> None:
    """
    An action that was told to stop neither succeeded nor failed; it is accounted for.
    """
    started = asyncio.Event()

    async def wait() -> None:
        with telemetry.usage(component="search", action="open"):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 0 == telemetry.value("ml.component.actions")
    assert {"cancelled": 1} == telemetry.dropped()


def test_learning_adds_samples_and_holds_levels(telemetry: Capture) -> None:
    """
    Samples add up; accuracy, confidence and improvement stand.
    """
    for accuracy, samples in ((0.5, 10), (0.625, 5)):
        telemetry.record_learning(
            component="ranker", type="online", accuracy=accuracy, confidence=0.75,
            improvement=-0.25, samples=samples,
        )  # fmt: skip
    expected = {"ml.component.name": "ranker", "ml.learning.type": "online"}

    assert [(expected, 0.625)] == _series(telemetry, "ml.learning.accuracy.ratio")
    assert [(expected, 0.75)] == _series(telemetry, "ml.learning.confidence.ratio")
    assert [(expected, -0.25)] == _series(telemetry, "ml.learning.improvement")
    assert [(expected, 15)] == _series(telemetry, "ml.learning.samples")


def test_optimization_is_measured_and_told(telemetry: Capture) -> None:
    """
    An optimization sets its gauges; its id stands on the event only.
    """
    telemetry.record_optimization(
        component="ranker", category="latency", before=2, after=1.5, user_impact=0.5, id="run-7"
    )
    labels = {"ml.component.name": "ranker", "ml.optimization.category": "latency"}
    (event,) = telemetry.events("ml.optimization.result")
    gauges = {
        name: _series(telemetry, f"ml.optimization.{name}")
        for name in ("before", "after", "change.ratio", "user_impact")
    }

    assert {
        "before": [(labels, 2.0)],
        "after": [(labels, 1.5)],
        "change.ratio": [(labels, -0.25)],
        "user_impact": [(labels, 0.5)],
    } == gauges
    assert labels | {
        "event.name": "ml.optimization.result",
        "ml.optimization.id": "run-7",
        "ml.optimization.before": 2.0,
        "ml.optimization.after": 1.5,
        "ml.optimization.change.ratio": -0.25,
        "ml.optimization.user_impact": 0.5,
    } == dict(event.attributes)


class _OverheatedError(Exception):
    """
    An error whose text can't be had.
    """

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("error", [_OverheatedError(), _OverheatedError, "_OverheatedError"])
def test_error_counts_by_type_never_by_text(error: Any, telemetry: Capture) -> None:
    """
    An error counts with what is known of it, and a recovery by its success.
    """
    telemetry.record_error(
        error, model="m", component="gpu", severity="high", impact="degraded", recovered=True
    )
    labels = {
        "ml.model.name": "m", "ml.component.name": "gpu", "error.type": "_OverheatedError",
    }  # fmt: skip
    recoveries = {
        p.attributes["ml.error.recovery.success"]: p.value
        for p in telemetry.points("ml.error.recoveries")
    }

    assert [(labels | {"ml.error.severity": "high", "ml.error.impact": "degraded"}, 1)] == _series(
        telemetry, "ml.errors"
    )
    assert {"true": 1, "false": 0} == recoveries


def test_error_of_a_component_alone(telemetry: Capture) -> None:
    """
    What was not said stands on no metric.
    """
    telemetry.record_error(OSError("disk"), component="cache")
    labels = {"ml.component.name": "cache", "error.type": "OSError"}

    assert [(labels, 1)] == _series(telemetry, "ml.errors")
    assert [] == telemetry.points("ml.error.recoveries")


def test_resource_is_in_bytes_and_shares(telemetry: Capture) -> None:
    """
    Amounts are converted to bytes, shares stay shares.
    """
    telemetry.record_resource(
        type="gpu", name="cuda:0", utilization=0.5, used=6, allocated=8, unit="GiBy"
    )
    labels = {"ml.resource.type": "gpu", "ml.resource.name": "cuda:0"}

    assert [(labels, 0.5)] == _series(telemetry, "ml.resource.utilization.ratio")
    assert [(labels, 6 * 2**30)] == _series(telemetry, "ml.resource.used")
    assert [(labels, 8 * 2**30)] == _series(telemetry, "ml.resource.allocated")


def test_data_quality_counts_checks_and_tells_violations(telemetry: Capture) -> None:
    """
    Every check counts by result; each that failed leaves an event, one that could not run none.
    """
    telemetry.record_data_quality(
        model="m", checks={"nulls": True, "range": False, "fresh": "error", "unique": "pass"}
    )
    (event,) = telemetry.events("ml.data_quality.violation")
    counted = {
        (p.attributes["ml.data_quality.check"], p.attributes["ml.data_quality.result"])
        for p in telemetry.points("ml.data_quality.checks")
        if p.value
    }

    assert {
        ("nulls", "pass"), ("range", "fail"), ("fresh", "error"), ("unique", "pass"),
    } == counted  # fmt: skip
    assert [({"ml.model.name": "m"}, 0.5)] == _series(telemetry, "ml.data_quality.score")
    assert "WARN" == event.severity
    assert "range" == event.attributes["ml.data_quality.check"]


def test_violations_of_one_record_leave_a_bounded_number_of_events(telemetry: Capture) -> None:
    """
    Of a thousand violations at once a hundred are told and all are counted.
    """
    telemetry.record_data_quality(model="m", checks={f"c{n}": False for n in range(1_000)})

    assert 100 == len(telemetry.events("ml.data_quality.violation"))
    assert {"batch_limit": 900, "too_many_values": 800} == telemetry.dropped()
    assert 1_000 == telemetry.value("ml.data_quality.checks", ml_data_quality_result="fail")


def test_record_takes_every_record(telemetry: Capture) -> None:
    """
    Records of every kind can be made first and recorded together.
    """
    telemetry.record(
        oc.Prediction("m", confidence=0.9, source="reported"),
        oc.Outcome("m", correct=True),
        oc.Feedback("m", score=1),
        oc.Failure("m", error_type="KeyError"),
        oc.Performance("m", metric="f1", value=0.5),
        oc.Usage("c", "a"),
        oc.Learning("c", samples=1),
        oc.Optimization("c", "cost", 2, 1),
        oc.Resource("disk", used=1),
        oc.DataQuality("m", checks={"x": True}),
    )
    signals = telemetry.by("otel_confidence.records", "otel_confidence.signal")

    assert dict.fromkeys((
        "prediction", "confidence", "outcome", "feedback", "error", "performance", "usage",
        "learning", "optimization", "resource", "data_quality",
    ), 1) == signals  # fmt: skip
    assert {} == telemetry.dropped()


WRONG: list[tuple[str, Callable[[Capture], None], str]] = [
    ("performance", lambda c: c.record_performance(model="", metric="f1", value=1), "missing"),
    ("usage", lambda c: c.record_usage(component=None, action="a"), "wrong_type"),  # type: ignore[arg-type]
    ("usage", lambda c: c.record_usage(component="c", action="a", attributes=5), "wrong_type"),  # type: ignore[arg-type]
    ("learning", lambda c: c.record_learning(component="c", accuracy=math.nan), "invalid_value"),
    ("learning", lambda c: c.record_learning(component="c", samples=10**400), "overflow"),
    ("optimization", lambda c: c.record_optimization(component="c", category="x", before="1", after=2), "wrong_type"),  # type: ignore[arg-type]  # noqa: E501
    ("error", lambda c: c.record_error(KeyError()), "missing"),
    ("error", lambda c: c.record_error(5, component="c"), "wrong_type"),  # type: ignore[arg-type]
    ("error", lambda c: c.record_error("x", component="c", severity="bad"), "invalid_value"),
    ("resource", lambda c: c.record_resource(type="gpu", utilization=55), "out_of_range"),
    ("data_quality", lambda c: c.record_data_quality(model="m"), "missing"),
    ("unknown", lambda c: c.record({"confidence": 0.9}), "wrong_type"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("signal", "say", "reason"), WRONG)
def test_wrong_values_are_counted_and_said_once(
    signal: str, say: Callable[[Capture], None], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A wrong value raises nothing, is counted by reason, and said once with what would be right.
    """
    capture = Capture(oc.Settings())
    for _ in range(3):
        say(capture)

    assert {reason: 3} == capture.dropped()
    assert 3 == capture.value("otel_confidence.records", otel_confidence_signal=signal)
    assert 1 == len(caplog.records)
    assert f"{signal} is not recorded: " in caplog.text


class Broken:
    """
    A number that fails when it is asked.
    """

    def __float__(self) -> float:
        raise ZeroDivisionError


def test_a_value_that_fails_by_itself_is_contained() -> None:
    """
    A foreign object's own fault is contained, and the record is accounted for.
    """
    capture = Capture(oc.Settings())
    capture.record_performance(model="m", metric="f1", value=Broken())  # type: ignore[arg-type]

    assert {"internal_error": 1} == capture.dropped()
    assert 1 == capture.value("otel_confidence.internal.errors")


def test_disabled_telemetry_takes_no_reports() -> None:
    """
    Where telemetry is disabled the verbs do nothing, and blocks run as they are.
    """
    capture = Capture()
    capture.telemetry.enabled = False
    capture.record(oc.Usage("c", "a"))
    capture.record_usage(component="c", action="a")
    with capture.usage(component="c", action="a"):
        pass

    assert 0 == capture.value("otel_confidence.records")


def test_metadata_stands_on_events_where_it_is_let_out() -> None:
    """
    Metadata stays inside unless it is switched on by name; attributes never lend it one.
    """
    capture = Capture(oc.Settings(strict=True, capture={"metadata.reviewer": True}))
    metadata = {"reviewer": "r7", "customer": "c1"}
    capture.record_optimization(
        component="c", category="cost", before=2, after=1, metadata=metadata
    )
    capture.record_data_quality(model="m", checks={"x": False}, metadata=metadata)
    capture.record(oc.Feedback("m", score=1, metadata=metadata))
    told = [
        {k: v for k, v in event.attributes.items() if k.startswith("metadata")}
        for event in capture.events()
    ]

    assert [{"metadata.reviewer": "r7"}] * 3 == told


def test_a_gauge_that_is_not_there_is_named(telemetry: Capture) -> None:
    """
    Asking for a level of no series, or of several, says which there are.
    """
    telemetry.record_resource(type="gpu", name="a", used=1)
    telemetry.record_resource(type="gpu", name="b", used=2)

    assert 2 == telemetry.level("ml.resource.used", ml_resource_name="b")
    with pytest.raises(LookupError, match="has 2 series"):
        telemetry.level("ml.resource.used")


def test_every_example_of_the_page_holds(caplog: pytest.LogCaptureFixture) -> None:
    """
    The examples run one after the other; of all that they record one value is wrong on purpose.
    """
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}
    capture = Capture(oc.Settings(metric_attributes=("region",)))
    with used(capture.telemetry):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    fresh = Capture()
    names["test_search_is_counted"](fresh)

    assert 13 == len(blocks)
    assert {"out_of_range": 1} == capture.dropped()
    assert 1 == len(caplog.records)


def test_the_page_names_every_verb_and_reason() -> None:
    """
    Verbs, records and reasons of this file's table stand on the page.
    """
    page = PAGE.read_text()
    verbs = [n for n in oc.__all__ if n.startswith("record_") and n != "record_outcome"]

    assert [] == [v for v in verbs if f"`{v}()`" not in page]
    assert [] == [reason for _, _, reason in WRONG if f"| `{reason}` |" not in page]


def test_reports_before_there_is_a_provider_are_accounted_for() -> None:
    """
    Without a meter provider every report is dropped under its own signal, and leaves no event.
    """
    telemetry = oc.Telemetry(metrics.NoOpMeterProvider())
    reports: list[Any] = [
        oc.Performance("m", metric="f1", value=0.5), oc.Usage("c", "a"),
        oc.Learning("c", samples=1),
        oc.Optimization("c", "cost", 2, 1), oc.Resource("disk", used=1),
        oc.DataQuality("m", checks={"x": False}), oc.Failure("m", component="c"),
    ]  # fmt: skip
    oc.record(*reports, telemetry=telemetry)
    dropped = telemetry.sums.totals("otel_confidence.dropped")

    assert [("no_provider", 1)] * 7 == [(a["otel_confidence.reason"], n) for a, n in dropped]
    assert 0 == telemetry.sums.value(c.COMPONENT_ACTIONS)
