"""
This module checks that references are published and that features are counted against them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otel_confidence import Reference
from otel_confidence.conventions import CONFIDENCE_EDGES
from otel_confidence.errors import ConfigurationError
from otel_confidence.settings import Settings
from otel_confidence.testing import Capture

REFERENCE = Reference.from_data(
    features={"size": np.arange(100.0), "color": ["red"] * 60 + ["blue"] * 30 + [None] * 10},
    confidences=np.arange(1, 101) / 100,
)
ROW = {"size": 12.0, "color": "red"}
COUNTED = {("size", "19.5", "valid"): 1.0, ("color", "red", "valid"): 1.0}


def cells(
    capture: Capture, metric: str = "ml.feature.values", *, model: str = "m"
) -> dict[tuple[str, str, str], float]:
    """
    Values by feature, bin and state, as they would be exported now, zeros left out.
    """
    names = ("ml.feature.name", "ml.feature.bin", "ml.feature.value.state")
    points = [
        (tuple(p.attributes.get(n, "") for n in names), p.value)
        for p in capture.points(metric, ml_model_name=model)
    ]
    assert len(points) == len(dict(points))
    return {(str(a), str(b), str(c)): value for (a, b, c), value in points if value}


def same(x: Any) -> Any:
    """
    A model that answers with what it saw.
    """
    return x


def row_itself(row: Any) -> Any:
    """
    The same with another name for it.
    """
    return row


def lenient() -> Capture:
    """
    Captured telemetry that contains faults, as in production.
    """
    return Capture(Settings())


def test_a_reference_is_published_before_the_first_call(telemetry: Capture) -> None:
    """
    Its cumulative shares of confidence and its shares of each bin are gauges from the start.
    """
    telemetry.track_confidence(model="m", version="1", reference=REFERENCE)

    shares = telemetry.points("ml.reference.confidence.ratio")
    assert {str(edge): pytest.approx(edge) for edge in CONFIDENCE_EDGES} == {
        p.attributes["ml.reference.edge"]: p.value for p in shares
    }
    assert {("m", "1")} == {
        (p.attributes["ml.model.name"], p.attributes["ml.model.version"]) for p in shares
    }
    ratios = cells(telemetry, "ml.reference.feature.ratio")
    assert 0.1 == ratios["size", "19.5", "valid"]
    assert 0.3 == ratios["color", "blue", "valid"]
    assert 0.1 == ratios["color", "", "missing"]
    assert pytest.approx(2) == sum(ratios.values())


def test_a_reference_is_reported_with_every_export(telemetry: Capture) -> None:
    """
    A gauge reported once would be gone after the look-back of a few minutes.
    """
    telemetry.track_confidence(model="m", reference=REFERENCE)
    first = telemetry.points("ml.reference.confidence.ratio")

    assert first
    assert first == telemetry.points("ml.reference.confidence.ratio")


def test_every_bin_and_state_begins_at_zero(telemetry: Capture) -> None:
    """
    PromQL's increase() misses a counter's first value, so each is born at zero.
    """
    telemetry.track_confidence(model="m", reference=REFERENCE, features="row")(row_itself)
    points = telemetry.points("ml.feature.values")

    assert {0} == {p.value for p in points}
    assert sum(len(f.cells) for f in REFERENCE.features) == len(points)
    states = {p.attributes["ml.feature.value.state"] for p in points}
    assert {"valid", "missing", "invalid", "outlier", "unseen"} == states


def test_a_reference_is_read_from_its_file(telemetry: Capture, tmp_path: Path) -> None:
    """
    A path serves as well as the object.
    """
    path = tmp_path / "reference.json"
    REFERENCE.save(path)
    telemetry.track_confidence(model="a", reference=path, features="x")(same)(ROW)
    telemetry.track_confidence(model="b", reference=str(path))

    assert {("size", "19.5"): 1.0} == {
        cell[:2]: n for cell, n in cells(telemetry, model="a").items() if cell[0] == "size"
    }
    assert {"a", "b"} == telemetry.by("ml.reference.feature.ratio", "ml.model.name").keys()


class Request:
    """
    What a service is given.
    """

    def __init__(self, fields: Any) -> None:
        self.fields = fields


@pytest.mark.parametrize(
    ("features", "args", "kwargs"),
    [
        ("row", (ROW,), {}),
        ("row", (), {"row": ROW}),
        ("default", (None,), {}),
        ("row.fields", (Request(ROW),), {}),
        ('row["inner"]', ({"inner": ROW},), {}),
        ("row[0]", ([ROW],), {}),
        ("only", (None,), {"only": ROW}),
        ("more", (None,), ROW),
        ("rest", (None, {}, 12.0, "red"), {}),
        (lambda row, **_: row, (ROW,), {}),
    ],
    ids=[
        "by place", "by name", "by default", "attribute", "key", "index", "keyword-only",
        "named arguments", "further arguments", "callable",
    ],
)  # fmt: skip
def test_features_are_found_in_the_arguments(
    telemetry: Capture, features: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """
    A path begins with an argument's name; a callable is given them all.
    """

    @telemetry.track_confidence(model="m", reference=REFERENCE, features=features)
    def predict(row: Any, default: Any = ROW, *rest: Any, only: Any = None, **more: Any) -> None:
        """
        Predict nothing.
        """

    predict(*args, **kwargs)

    assert COUNTED == cells(telemetry)


def test_all_arguments_are_features(telemetry: Capture) -> None:
    """
    A star takes every argument by its name, defaults included.
    """

    @telemetry.track_confidence(model="m", reference=REFERENCE, features="*")
    def predict(size: float, color: str = "red") -> float:
        return size if color else 0.0

    assert 12.0 == predict(12.0)
    assert COUNTED == cells(telemetry)


def test_every_kind_of_callable_counts_once(telemetry: Capture) -> None:
    """
    Functions, coroutines, generators and methods count the features of each call.
    """
    track = partial(telemetry.track_confidence, model="m", reference=REFERENCE, features="row")

    @track()
    async def coroutine(row: Any) -> Any:
        return row

    @track()
    def generator(row: Any) -> Iterator[Any]:
        yield row

    @track()
    async def async_generator(row: Any) -> AsyncIterator[Any]:
        yield row

    class Model:
        """
        A model with methods.
        """

        @track()
        def method(self, row: Any) -> Any:
            return row

        @track()
        @staticmethod
        def static(row: Any) -> Any:
            return row

    async def consume() -> None:
        await coroutine(ROW)
        async for _ in async_generator(ROW):
            pass

    asyncio.run(consume())
    list(generator(ROW))
    Model().method(ROW)
    Model.static(ROW)

    assert dict.fromkeys(COUNTED, 5.0) == cells(telemetry)
    assert 5 == telemetry.value("ml.predictions")


def test_a_batch_counts_every_row(telemetry: Capture) -> None:
    """
    One call with a DataFrame counts the values of all its rows.
    """
    predict = telemetry.track_confidence(model="m", reference=REFERENCE, features="x")(same)
    predict(pd.DataFrame({"size": [12.0, 13.0, 500.0], "color": ["red", "green", None]}))

    assert {
        ("size", "19.5", "valid"): 2,
        ("size", "+Inf", "outlier"): 1,
        ("color", "red", "valid"): 1,
        ("color", "_OTHER", "unseen"): 1,
        ("color", "", "missing"): 1,
    } == cells(telemetry)


def test_a_block_reports_its_features(telemetry: Capture) -> None:
    """
    ``p.set(features=...)`` counts once, against the reference declared for the model.
    """
    telemetry.telemetry.declare("m", "1", reference=REFERENCE)
    with telemetry.prediction(model="m", version="1") as p:
        p.set(confidence=0.5, features={"size": 1e9})
        p.set(confidence=0.5, features=ROW)

    assert COUNTED == cells(telemetry)


def test_features_of_a_failing_call_are_counted(telemetry: Capture) -> None:
    """
    What a model fails on is what one wants to see.
    """

    @telemetry.track_confidence(model="m", reference=REFERENCE, features="row")
    def predict(row: Any) -> None:
        raise KeyError(row["color"])

    with pytest.raises(KeyError, match="red"):
        predict(ROW)

    assert COUNTED == cells(telemetry)


def test_counting_is_not_part_of_the_duration() -> None:
    """
    The clock of a call starts after its features were counted.
    """
    capture = lenient()

    def slowly(row: Any) -> Any:
        capture.clock.advance(10)
        return row

    predict = capture.track_confidence(model="m", reference=REFERENCE, features=slowly)(same)
    predict(ROW)

    assert [0.0] == [p.value for p in capture.points("ml.prediction.duration")]


class Hostile(dict[str, Any]):
    """
    A mapping whose every question raises.
    """

    def get(self, *_: Any) -> Any:
        raise RuntimeError("no")

    __contains__ = __iter__ = get


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (7, "invalid_value"),
        (None, "invalid_value"),
        ({"other": 1}, "invalid_value"),
        (np.ones((2, 7)), "invalid_value"),
        (Hostile(), ""),
    ],
    ids=["number", "None", "other names", "other width", "hostile"],
)
def test_values_that_are_no_features_leave_the_call_alone(values: Any, reason: str) -> None:
    """
    The call's result is untouched, nothing is counted, and the loss is accounted for.
    """
    capture = lenient()
    predict = capture.track_confidence(model="m", reference=REFERENCE, features="x")(same)

    assert values is predict(values)
    assert {} == cells(capture)
    assert ({reason: 1} if reason else {}) == {
        k: n for k, n in capture.dropped().items() if k == "invalid_value"
    }
    assert bool(reason) != bool(capture.value("otel_confidence.internal.errors"))
    assert 1 == capture.value("ml.predictions")


def test_a_raising_callable_is_contained() -> None:
    """
    A fault in ``features=`` costs the count of that call and nothing else.
    """
    capture = lenient()

    def broken(row: Any) -> Any:
        raise RuntimeError(row)

    predict = capture.track_confidence(model="m", reference=REFERENCE, features=broken)(same)

    assert ROW is predict(ROW)
    assert 1 == capture.dropped()["extractor_failed"]
    assert 1 == capture.value("otel_confidence.internal.errors")


def test_hostile_values_never_become_names(telemetry: Capture) -> None:
    """
    Ten thousand different texts and numbers add no series.
    """
    predict = telemetry.track_confidence(model="m", reference=REFERENCE, features="x")(same)
    before = len(telemetry.points("ml.feature.values"))
    predict([{"size": i * 1e6, "color": f"user{i}@example.org"} for i in range(10_000)])

    assert before == len(telemetry.points("ml.feature.values"))
    assert 10_000 == cells(telemetry)["color", "_OTHER", "unseen"]
    assert "example.org" not in str(telemetry.points("ml.feature.values"))


def test_features_beyond_the_limit_are_counted_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    The first ones of a reference are followed; what is left out has names in one warning.
    """
    capture = Capture(Settings(max_features=1, strict=True))
    for _ in range(2):
        with caplog.at_level(logging.WARNING, "otel_confidence"):
            track = capture.track_confidence(model="m", reference=REFERENCE, features="x")
            track(same)(ROW)

    assert {("size", "19.5", "valid"): 2.0} == cells(capture)
    assert 1 == capture.dropped()["max_features"]
    assert 1 == sum("color" in record.message for record in caplog.records)


def test_the_first_reference_of_a_model_stays(caplog: pytest.LogCaptureFixture) -> None:
    """
    Another one for the same model and version would change what counters mean.
    """
    capture = lenient()
    other = Reference.from_data(features={"size": [1, 2, 3]})
    with caplog.at_level(logging.WARNING, "otel_confidence"):
        for reference in (REFERENCE, REFERENCE, other, other):
            capture.track_confidence(model="m", reference=reference)

    assert {"size", "color"} == capture.by("ml.reference.feature.ratio", "ml.feature.name").keys()
    assert 1 == len([r for r in caplog.records if other.id in r.message])


def test_features_without_a_reference_are_dropped(telemetry: Capture) -> None:
    """
    Without bins to count in there is nothing to count, which is accounted for.
    """
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5, features=ROW)

    assert {"no_reference": 1} == telemetry.dropped()


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"features": "x"}, "features= needs reference="),
        ({"features": "x", "reference": Reference.from_data(labels=["a"])}, "that has features"),
        ({"features": "y", "reference": REFERENCE}, r"begins with no argument .* \['x'\]"),
        ({"features": "[0]", "reference": REFERENCE}, "begins with no argument"),
        ({"features": "x..y", "reference": REFERENCE}, "is no path"),
        ({"features": 7, "reference": REFERENCE}, "features must be a path"),
        ({"features": "", "reference": REFERENCE}, "features must be a path"),
        ({"reference": 7}, "reference must be a Reference or its file, got 7"),
        ({"reference": "no/such/file.json"}, "can't be read"),
    ],
)
def test_wrong_declarations_fail_at_decoration(
    telemetry: Capture, declared: dict[str, Any], message: str
) -> None:
    """
    A sentence says what would be right, before the first call.
    """
    with pytest.raises(ConfigurationError, match=message):
        telemetry.track_confidence(model="m", **declared)(same)


def test_a_function_without_a_signature_needs_a_callable(telemetry: Capture) -> None:
    """
    Some of C's functions don't tell their arguments' names.
    """
    with pytest.raises(ConfigurationError, match="give a callable"):
        telemetry.track_confidence(model="m", reference=REFERENCE, features="x")(max)
    counted = telemetry.track_confidence(model="m", reference=REFERENCE, features=lambda x: x)(max)

    assert "size" == counted(ROW)
    assert COUNTED == cells(telemetry)


def test_ledger_of_features_balances() -> None:
    """
    Every call with features is on record, and every loss has its reason.
    """
    capture = lenient()
    predict = capture.track_confidence(model="m", reference=REFERENCE, features="x")(same)
    for values in (ROW, ROW, 7):
        predict(values)

    assert 3 == capture.value("otel_confidence.records", otel_confidence_signal="feature")
    assert 1 == capture.value("otel_confidence.dropped", otel_confidence_signal="feature")


def test_a_forked_child_keeps_the_reference_and_counts_from_zero(telemetry: Capture) -> None:
    """
    Gauges hold for the child, too; what was counted before is the parent's to report.
    """
    predict = telemetry.track_confidence(model="m", reference=REFERENCE, features="x")(same)
    predict(ROW)
    published = cells(telemetry, "ml.reference.feature.ratio")
    telemetry.telemetry.sums.restart()
    predict(ROW)

    assert COUNTED == cells(telemetry)
    assert published == cells(telemetry, "ml.reference.feature.ratio")
