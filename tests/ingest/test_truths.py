"""This module checks how the server keeps truths: each once, whatever happens in between."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.truths_told import calibration, counters, feedback, outcome, receipt

from otel_confidence.errors import StoreBusy, StoreError
from otel_confidence.ingest.truths import Truths
from otel_confidence.points import Batch, Event, Matcher
from otel_confidence.spelling import label_name
from otel_confidence.store import Store
from otel_confidence.testing import Capture


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


class Faulty:
    """A store that fails as told, before or after it has kept a batch of one kind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fails: tuple[str, bool] | None = None
        self.error: Exception = StoreError("as told")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: Batch) -> None:
        kind = "events" if batch.events else "samples"
        if self.fails == (kind, False):
            raise self.error
        self._store.write(batch)
        if self.fails == (kind, True):
            raise self.error


def test_each_truth_counts_once(store: Store) -> None:
    """
    Within a request, in a later one and after a restart a truth told again changes nothing.
    """
    truths = Truths(store)
    first = truths.keep([outcome(1), outcome(2, label="5"), outcome(1)])
    again = truths.keep([outcome(2), outcome(3)])
    restarted = Truths(store).keep([outcome(3), outcome(1), outcome(4)])

    assert [True, True, False] == first
    assert [False, True] == again
    assert [False, False, True] == restarted
    assert {("correct",): 3, ("incorrect",): 1} == counters(
        store, "ml_prediction_outcomes_total", "ml_prediction_outcome"
    )
    assert {("0.9",): 4} == calibration(store)["predictions"]


def test_judgements_count_once_for_each_judge(store: Store) -> None:
    """
    The same judgement is a duplicate; another type or judge, or a truth, is not.
    """
    truths = Truths(store)
    truths.keep([outcome(1)])

    assert [True, False, True, True] == truths.keep(
        [feedback(1), feedback(1), feedback(1, type="speed"), feedback(1, judge="b")]
    )
    assert [False] == Truths(store).keep([feedback(1, judge="b")])
    assert {("overall",): 2, ("speed",): 1} == counters(
        store, "ml_feedback_responses_total", "ml_feedback_type"
    )
    assert {(): 1.5} == counters(store, "ml_feedback_score_sum")


def test_truths_that_programs_told_are_known(store: Store) -> None:
    """
    An outcome's event that a program sent itself makes the same truth a duplicate.
    """
    event = Event(
        time.time_ns(), "ml.prediction.outcome", 9, "INFO", "", "", "",
        {"ml.prediction.id": f"{7:016x}"}, {"service.name": "theirs"},
    )  # fmt: skip
    store.write(Batch(events=[event]))

    assert [False, True] == Truths(store).keep([outcome(7), outcome(8)])
    assert {("0.9",): 1} == calibration(store)["predictions"]


@pytest.mark.parametrize("kind", ["events", "samples"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("restart", [False, True], ids=["goes on", "restarts"])
def test_failures_neither_lose_nor_double(
    store: Store, kind: str, after: bool, restart: bool
) -> None:
    """
    Wherever writing fails, telling everything again makes every truth count exactly once.
    """
    faulty = Faulty(store)
    truths = Truths(faulty)
    truths.keep([outcome(1), outcome(2)])
    faulty.fails = (kind, after)
    told = [outcome(2), outcome(3, 0.4), outcome(4, label="5")]
    try:
        truths.keep(told)
    except StoreError:
        assert kind == "events"
    faulty.fails = None
    truths = Truths(faulty) if restart else truths
    truths.keep(told)
    truths.report()

    assert {("0.9",): 3, ("0.4",): 1} == calibration(store)["predictions"]
    assert pytest.approx({("0.9",): 2.7, ("0.4",): 0.4}) == calibration(store)["confidence"]
    assert {("0.9",): 2, ("0.4",): 1} == calibration(store)["correct"]
    assert {(): 4} == counters(store, "ml_prediction_label_delay_seconds_count")


def test_full_store_is_told(store: Store) -> None:
    """
    A store that is busy keeps nothing, says so, and takes the same truths later.
    """
    faulty = Faulty(store)
    truths = Truths(faulty)
    faulty.fails, faulty.error = ("events", False), StoreBusy("full")
    with pytest.raises(StoreBusy):
        truths.keep([outcome(1)])
    faulty.fails = None

    assert [True] == truths.keep([outcome(1)])


def test_clock_set_back_counts_nothing_twice(store: Store) -> None:
    """
    A server started with its clock an hour behind goes on where the last one ended.
    """
    now_s = time.time()
    faulty = Faulty(store)
    Truths(store, now=lambda: now_s).keep([outcome(1)])
    faulty.fails = ("samples", False)
    Truths(faulty, now=lambda: now_s - 3600).keep([outcome(2), outcome(1)])
    Truths(store, now=lambda: now_s - 3600).report()
    Truths(store, now=lambda: now_s - 3600).report()

    assert {("0.9",): 2} == calibration(store)["predictions"]


def test_series_begin_at_zero(store: Store) -> None:
    """
    Every calibration bin and both outcomes stand at zero before the first value.
    """
    now_ms = time.time_ns() // 1_000_000
    Truths(store, now=lambda: now_ms / 1000).keep([outcome(1)])
    matchers = [Matcher("__name__", "=~", "ml_(calibration|prediction_outcomes).*")]
    found = store.select(matchers, now_ms - 60_000, now_ms + 60_000)

    assert 42 == len(found)
    assert {0.0} == {float(selection.values[0]) for selection in found}
    assert {now_ms - 10_000} == {int(selection.times_ms[0]) for selection in found}


def test_threads_keep_each_truth_once(store: Store) -> None:
    """
    Eight threads that tell the same truths at once have each accepted once between them.
    """
    truths = Truths(store)
    accepted: list[bool] = []

    def tell() -> None:
        for first in range(0, 40, 10):
            accepted.extend(truths.keep([outcome(number) for number in range(first, first + 10)]))

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 320 == len(accepted)
    assert 40 == sum(accepted)
    assert {("0.9",): 40} == calibration(store)["predictions"]


def test_event_is_linked_to_the_prediction(store: Store) -> None:
    """
    The event lies in the prediction's trace and is the server's own.
    """
    Truths(store).keep([outcome(1, score=0.25)])
    (row,) = store.sql("SELECT trace_id, span_id, service, attributes FROM events").to_pylist()
    attributes = dict(row["attributes"])

    assert (f"{0xABC:032x}", f"{0xDEF:016x}") == (row["trace_id"], row["span_id"])
    assert "otel-confidence" == row["service"]
    assert ("partial", "0.25", "0.9") == (
        attributes["ml.prediction.outcome"], attributes["ml.prediction.correctness"],
        attributes["ml.prediction.confidence"],
    )  # fmt: skip


def test_models_are_bounded(store: Store) -> None:
    """
    Beyond the limit, also after a restart, models share one name.
    """
    told = [outcome(number) for number in range(1, 5)]
    named = [each._replace(model=f"m{place}") for place, each in enumerate(told)]
    Truths(store, max_models=2).keep(named[:3])
    Truths(store, max_models=2).keep(named[3:])

    assert {("m0",): 1, ("m1",): 1, ("_OTHER",): 2} == counters(
        store, "ml_prediction_outcomes_total", "ml_model_name"
    )


def test_server_counts_what_a_program_counts(store: Store) -> None:
    """
    The same truths move the same series by the same amounts, told here or recorded there.
    """
    capture = Capture()
    told: list[tuple[dict[str, Any], float]] = [
        ({"label": "4"}, 0.9), ({"label": "5"}, 0.35), ({"score": 0.3}, 0.5),
        ({"correct": True}, 1.0), ({"correct": False}, 0.0),
    ]  # fmt: skip
    for number, (truth, confidence) in enumerate(told, 1):
        text = receipt(number, confidence, time_s=capture.clock.time_s - 90)
        capture.record_outcome(text, **truth)
        capture.record_feedback(text, score=0.8, type="speed")
    truths = Truths(store)
    truths.keep([outcome(n, confidence, **truth) for n, (truth, confidence) in enumerate(told, 1)])
    truths.keep([feedback(n, score=0.8, type="speed") for n in range(1, 6)])

    for metric, name in {
        "ml.calibration.predictions": "ml_calibration_predictions_total",
        "ml.calibration.confidence": "ml_calibration_confidence_total",
        "ml.calibration.correct": "ml_calibration_correct_total",
        "ml.calibration.squared_error": "ml_calibration_squared_error_total",
        "ml.prediction.outcomes": "ml_prediction_outcomes_total",
        "ml.feedback.responses": "ml_feedback_responses_total",
        "ml.feedback.score": "ml_feedback_score_sum",
    }.items():
        points = [point for point in capture.points(metric) if point.value]
        keys = [label_name(key) for key in points[0].attributes]
        expected = {tuple(map(str, p.attributes.values())): p.value for p in points}

        assert pytest.approx(expected, rel=1e-12) == counters(store, name, *keys)
