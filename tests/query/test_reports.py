"""
This module tests models' figures against a ledger of every prediction, through the real engine.
"""

from dataclasses import replace

import numpy as np
import pytest
from tests.model_history import History, Memory

from otel_confidence import conventions as c
from otel_confidence.points import Sample, Series
from otel_confidence.query import reports, summaries
from otel_confidence.query.calibration import calibrations, no_truth
from otel_confidence.query.promql import Engine
from otel_confidence.query.questions import Question, Scope, Window, quoted, window
from otel_confidence.stats.calibration import (
    Bins,
    accuracy,
    brier_score,
    expected_calibration_error,
    overconfidence,
)

NOW = 1_800_000_000.0
HOSTILE = 'a"} or vector(1) # \\ {x="\n\t\x00`$<script>é漢😀'


def steady(model: str = "digits", **values: object) -> History:
    """
    A model that predicted for the last half hour.
    """
    return History(model, NOW - 1800, NOW, **values)  # type: ignore[arg-type]  # as given


def ask(*histories: History, model: str | None = None, version: str = "",
        length_s: float = 900) -> Question:  # fmt: skip
    """
    A question about the last fifteen minutes of these histories.
    """
    engine = Engine(Memory(*histories))
    within = window(engine, length_s, end=NOW)
    return Question(engine, Scope(model, version), within)


def recent(history: History, length_s: float = 900) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """
    Which predictions the window's reports cover: after its first report, up to its last.
    """
    return (history.times > NOW - length_s + 5) & (history.times <= NOW)


def test_window_looks_back_over_four_reports() -> None:
    """
    A point of a curve looks back over four export intervals, and over its step at least.
    """
    engine = Engine(Memory(steady()))

    found = [window(engine, length, end=NOW) for length in (900, 86_400)]

    assert [(5, 20), (480, 480)] == [(each.step_s, each.range_s) for each in found]


def test_window_of_a_silent_source_assumes_a_minute() -> None:
    """
    Where nothing reports, the interval assumed is OpenTelemetry's minute.
    """
    assert Window(NOW, 900, 5, 240) == window(Engine(Memory()), 900, end=NOW)


def test_a_model_that_reports_rarely_has_curves_beside_one_that_reports_often() -> None:
    """
    How far a point looks back is fitted to the models asked about, the rarest reporter of them.
    """
    histories = steady("rare", report_s=60.0), steady("frequent", seed=8)
    engine = Engine(Memory(*histories))

    found = {
        model: window(engine, 900, end=NOW, scope=Scope(model))
        for model in ("rare", "frequent", None)
    }
    curve = reports.traffic(Question(engine, Scope("rare"), found["rare"])).predictions

    assert {"rare": 240, "frequent": 20, None: 240} == {m: w.range_s for m, w in found.items()}
    assert np.isfinite(curve).all()


def test_times_stay_on_multiples_of_the_step() -> None:
    """
    A second later the same times are asked for, so that a drawn curve does not shimmer.
    """
    first, later = (Window(NOW + s, 900, 10, 20).times_s for s in (1, 2))

    np.testing.assert_array_equal(first, later)
    assert 0 == first[0] % 10
    assert NOW == first[-1]


def test_a_window_shrinks_to_what_is_there() -> None:
    """
    Curves of a program that has just begun get points closer together, never a longer window.
    """
    within = Window(NOW, 900, 5, 20)

    found = [within.since(NOW - ago) for ago in (30, 300, 5000)]

    assert [(120, 1), (300, 2), (900, 5)] == [(each.length_s, each.step_s) for each in found]
    assert {(NOW, 20)} == {(each.end, each.range_s) for each in found}


def test_points_that_come_closer_look_back_less() -> None:
    """
    Of a day's curve each point looks back to the one before; of its last minutes over the reports.
    """
    within = Window(NOW, 86_400, 480, 20)

    assert [480, 20] == [each.range_s for each in (within, within.since(NOW - 600))]


def test_key_figures_equal_the_ledgers() -> None:
    """
    Mean confidence, accuracy, overconfidence and ECE are those of the predictions themselves.
    """
    history = steady(sureness=lambda t: np.full(len(t), 0.8), failing=0.1)
    held = recent(history)
    confidence, correct = history.confidences[held], history.correct[held]
    places = np.searchsorted(c.CALIBRATION_EDGES, confidence)
    gaps = [abs((confidence - correct)[places == place].sum()) for place in range(10)]

    (found,) = summaries.summaries(ask(history))

    assert confidence.mean() == pytest.approx(found.mean_confidence, rel=1e-9)
    assert correct.mean() == pytest.approx(accuracy(found.calibration), rel=1e-9)
    assert (confidence - correct).mean() == pytest.approx(
        overconfidence(found.calibration), rel=1e-9
    )
    assert sum(gaps) / len(confidence) == pytest.approx(
        expected_calibration_error(found.calibration), rel=1e-9
    )
    assert 3600 == pytest.approx(found.predictions, rel=0.01)
    assert 3600 == pytest.approx(found.calibration.total, rel=0.01)
    assert 0.1 / 1.1 == pytest.approx(found.error_share, rel=1e-9)
    assert np.quantile(history.durations, 0.95) == pytest.approx(found.p95_s, rel=0.25)
    assert NOW == found.last_seen_s


def test_the_most_overconfident_model_comes_first() -> None:
    """
    Models are sorted by how much surer they are than right; those without truth come last.
    """
    good = steady("good")
    wrong = steady("wrong", rightness=lambda t: np.full(len(t), 0.3), seed=8)
    unknown = steady("unknown", labeled=False, seed=9)

    found = summaries.summaries(ask(unknown, good, wrong))

    assert ["wrong", "good", "unknown"] == [each.model for each in found]
    assert [True, False, False] == [each.is_overconfident for each in found]
    assert np.isnan(accuracy(found[2].calibration))
    assert 0 == found[2].calibration.total


def firing(alert: str, severity: str, **labels: str) -> Sample:
    """
    An alert that fires, as whoever evaluates rules records it.
    """
    named = {"__name__": "ALERTS", "alertname": alert, "alertstate": "firing"}
    series = Series(tuple(sorted({**labels, **named, "severity": severity}.items())))
    return Sample(series, int(NOW * 1000), 1.0)


def test_models_with_alerts_come_first_even_those_that_no_longer_report() -> None:
    """
    Whoever has an alert comes before all others, the graver first, whatever else it reported.
    """
    memory = Memory(steady("wrong", rightness=lambda t: np.full(len(t), 0.3)), steady("right"))
    memory.add([
        firing("ModelLatencyHigh", "warning", ml_model_name="right"),
        firing("ModelAccuracyDropped", "critical", ml_model_name="right"),
        firing("ModelTrafficStopped", "critical", ml_model_name="gone"),
        firing("ModelFeatureDrift", "warning", ml_model_name="drifting"),
        firing("CollectorDown", "critical"),
    ])  # fmt: skip
    engine = Engine(memory)

    found = summaries.summaries(Question(engine, Scope(), Window(NOW, 900, 5, 20)))

    assert ["right", "gone", "drifting", "wrong"] == [each.model for each in found]
    assert ["ModelAccuracyDropped", "ModelLatencyHigh"] == [a.name for a in found[0].firing]
    assert (0, True) == (found[1].predictions, np.isnan(found[1].last_seen_s))


def test_a_version_has_the_alerts_that_are_about_it_or_about_none() -> None:
    """
    What fires about another version is left out where one version is asked about.
    """
    memory = Memory(steady(version="2"))
    memory.add(
        firing(f"Of{version}", "warning", ml_model_name="digits", ml_model_version=version)
        for version in ("", "1", "2")
    )

    question = Question(Engine(memory), Scope("digits", "2"), Window(NOW, 900, 5, 20))
    (found,) = summaries.summaries(question)

    assert ["Of", "Of2"] == [each.name for each in found.firing]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(10, False, id="ten truths may be chance"),
        pytest.param(1000, True, id="a thousand are not"),
        pytest.param(0, False, id="no truth says nothing"),
    ],
)
def test_few_truths_are_no_alarm(known: float, expected: bool) -> None:
    """
    A gap of twenty points marks a model as overconfident only where chance does not explain it.
    """
    (found,) = summaries.summaries(ask(steady()))
    column = np.array([float(known)])
    counts = Bins((1.0,), column, 0.7 * column, 0.5 * column, 0.3 * column)

    assert expected is replace(found, calibration=counts).is_overconfident


@pytest.mark.parametrize("length_s", [900, 86_400])
def test_a_model_that_stopped_is_last_seen_then(length_s: float) -> None:
    """
    A model whose process still reports but no longer predicts was last seen when it predicted.

    However long the window is, and with it the step of its curves.
    """
    history = steady()
    busy = history.times < NOW - 300
    for name in ("times", "confidences", "correct", "durations"):
        object.__setattr__(history, name, getattr(history, name)[busy])

    (found,) = summaries.summaries(ask(history, length_s=length_s))

    assert NOW - 300 == pytest.approx(found.last_seen_s, abs=15)


def test_a_silent_source_has_no_models() -> None:
    """
    Without any report there are no models, no curves and no bins, and nothing fails.
    """
    question = ask(model="digits")

    assert [] == summaries.summaries(question)
    assert {} == calibrations(question)
    assert np.isnan([accuracy(no_truth()), brier_score(no_truth())]).all()
    assert () == reports.confidence_over_time(question).edges
    assert np.isnan(reports.latency(question).p50_s).all()
    assert np.isnan(reports.traffic(question).errors).all()
    assert np.isnan(reports.truth(question).accuracy).all()


def test_confidence_over_time_counts_every_bucket() -> None:
    """
    A column's shares are those of the predictions that its look-back covers.
    """
    history = steady()

    found = reports.confidence_over_time(ask(history, model="digits"))

    shares = found.counts[:, -1] / found.counts[:, -1].sum()
    covered = history.confidences[(history.times > NOW - 15) & (history.times <= NOW)]
    expected = np.histogram(covered, bins=(0, *c.CONFIDENCE_EDGES))[0] / len(covered)
    np.testing.assert_allclose(shares, expected, atol=1e-9)
    assert c.CONFIDENCE_EDGES == found.edges


def test_versions_with_different_thresholds_share_their_common_edges() -> None:
    """
    Two versions whose histograms differ in an edge are added where both count exactly.
    """
    old = steady(edges=(0.5, 0.7, 1.0))
    new = steady(version="2", edges=(0.5, 0.75, 1.0), seed=8)

    both = reports.confidence_over_time(ask(old, new, model="digits"))
    one = reports.confidence_over_time(ask(old, new, model="digits", version="2"))

    assert (0.5, 1.0) == both.edges
    assert (0.5, 0.75, 1.0) == one.edges
    assert (both.counts[:, 10:] >= 0).all()


def test_calibration_by_bins_agrees_with_promql() -> None:
    """
    ECE from the bins is ECE as PromQL computes it, and the bins are those of the conventions.
    """
    question = ask(steady(rightness=lambda t: np.full(len(t), 0.6)), model="digits")
    sure, right, known = (
        f"sum by (ml_model_name, ml_calibration_bin) (increase({name}_total[15m]))"
        for name in (
            "ml_calibration_confidence",
            "ml_calibration_correct",
            "ml_calibration_predictions",
        )
    )

    found = calibrations(question)["digits"]
    (ece,) = question.table(f"sum(abs({sure} - {right})) / sum({known})", ()).values()

    assert ece == pytest.approx(expected_calibration_error(found), rel=1e-12)
    assert 0.2 < expected_calibration_error(found)
    assert c.CALIBRATION_EDGES == found.edges


def test_brier_score_is_the_ledgers() -> None:
    """
    The Brier score is the mean squared difference of confidence and correctness.
    """
    history = steady()
    held = recent(history)

    found = calibrations(ask(history, model="digits"))["digits"]

    expected = ((history.confidences - history.correct)[held] ** 2).mean()
    assert expected == pytest.approx(brier_score(found), rel=1e-9)


def test_curves_follow_a_change() -> None:
    """
    When accuracy falls and confidence stays, the curves part at that time.
    """
    history = steady(rightness=lambda t: np.where(t < 1500, 0.95, 0.3))

    found = reports.truth(ask(history, model="digits"))

    before, after = found.times_s < NOW - 300, found.times_s > NOW - 270
    np.testing.assert_allclose(found.accuracy[before], 0.95, atol=0.12)
    np.testing.assert_allclose(found.accuracy[after], 0.3, atol=0.25)
    np.testing.assert_allclose(found.confidence, 0.9, atol=0.06)


def test_latency_and_traffic_are_those_of_the_calls() -> None:
    """
    Percentiles lie within their bucket, rates are per second, failed calls are told apart.
    """
    history = steady(failing=0.25)
    question = ask(history, model="digits")

    latency, traffic = reports.latency(question), reports.traffic(question)

    for q, curve in ((0.5, latency.p50_s), (0.95, latency.p95_s)):
        assert np.quantile(history.durations, q) == pytest.approx(np.nanmedian(curve), rel=0.4)
    np.testing.assert_allclose(traffic.predictions, 4.0, rtol=1e-6)
    np.testing.assert_allclose(traffic.errors, 1.0, rtol=1e-6)


def test_a_model_that_never_failed_has_zero_errors() -> None:
    """
    No series of failed calls means that none failed, wherever the model reported.
    """
    question = ask(steady(), model="digits")

    assert (reports.traffic(question).errors == 0).all()
    assert 0 == summaries.summaries(question)[0].error_share


def test_a_version_is_asked_about_alone() -> None:
    """
    One version's figures leave the others out, and the versions are listed.
    """
    old = steady(rightness=lambda t: np.full(len(t), 0.2))
    new = steady(version="2", seed=8)

    (found,) = summaries.summaries(ask(old, new, model="digits", version="2"))

    assert new.correct[recent(new)].mean() == pytest.approx(accuracy(found.calibration), rel=1e-9)
    assert ("2",) == found.versions
    assert {"digits": ("1", "2")} == summaries.reported(ask(old, new, model="digits"))


@pytest.mark.parametrize("name", [HOSTILE, "x" * 10_000, "a/b/../c", "{}", '\\"'])
def test_hostile_names_are_only_names(name: str) -> None:
    """
    Whatever a model is called, its figures are its own.
    """
    hostile = steady(name)
    other = steady("digits", rightness=lambda t: np.full(len(t), 0.1), seed=8)

    (found,) = summaries.summaries(ask(hostile, other, model=name))

    assert name == found.model
    assert hostile.correct[recent(hostile)].mean() == pytest.approx(
        accuracy(found.calibration), rel=1e-9
    )


def test_quoting_escapes_what_ends_a_string() -> None:
    """
    Quotes, backslashes and line breaks are escaped, all else stands as it is.
    """
    assert '"a\\"b\\\\c\\nd\té"' == quoted('a"b\\c\nd\té')


def test_foreign_bins_and_buckets_are_left_out() -> None:
    """
    Labels that are no edge within 0..1 neither count nor fail.
    """
    history = steady()
    memory = Memory(history)
    for name, label, text in (
        ("ml_calibration_predictions_total", "ml_calibration_bin", "abc"),
        ("ml_calibration_predictions_total", "ml_calibration_bin", "7"),
        ("ml_prediction_confidence_bucket", "le", "abc"),
    ):
        memory.add(history.foreign(name, **{label: text}))
    engine = Engine(memory)
    question = Question(engine, Scope("digits"), window(engine, 900, end=NOW))

    bins = calibrations(question)["digits"]

    assert c.CALIBRATION_EDGES == bins.edges
    assert 3600 == pytest.approx(bins.total, rel=0.01)
    assert c.CONFIDENCE_EDGES == reports.confidence_over_time(question).edges
