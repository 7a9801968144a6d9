"""
This module runs every example and compares what it prints and sends with numbers found otherwise.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats
from sklearn.datasets import load_digits, load_wine, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import resample
from tests.examples.running import EXAMPLES, alone, run

FILES = sorted(path for path in EXAMPLES.glob("*.py") if path.name != "__init__.py")
QUICK = ["arrays.py", "late_truth.py", "llm.py", "verbalized.py"]
PRINTED = 0.0005
"""Half of the last digit that examples print."""


def test_scikit_learn() -> None:
    """
    The mean confidence and accuracy printed and sent are those of the pipeline's probabilities.
    """
    data = load_wine()
    x, held_x, y, held_y = train_test_split(
        data.data, data.target, test_size=0.5, random_state=0, stratify=data.target
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, y)
    best = model.predict_proba(held_x).max(axis=1)
    accuracy = accuracy_score(held_y, model.predict(held_x))
    ran = run("scikit_learn.py")

    assert [len(held_y), best.mean(), accuracy] == pytest.approx(ran.numbers(0), abs=PRINTED)
    assert [0.8, sum(best < 0.8)] == ran.numbers(1)
    assert len(held_y) == ran.total("ml.predictions")
    assert sum(best < 0.8) == ran.total("ml.predictions", ml_prediction_decision="abstain")
    assert best.sum() == pytest.approx(ran.total("ml.prediction.confidence", field="sum"))
    assert accuracy * len(held_y) == pytest.approx(ran.total("ml.calibration.correct"))


def test_batch() -> None:
    """
    One call sends one span, and counts as many predictions and truths as it has rows.
    """
    pixels, digits = load_digits(return_X_y=True)
    x, held_x, y, held_y = train_test_split(
        pixels / 16, digits, test_size=0.5, random_state=0, stratify=digits
    )
    proba = LogisticRegression(max_iter=500).fit(x, y).predict_proba(held_x)
    best, right = proba.max(axis=1), proba.argmax(axis=1) == held_y
    ran = run("batch.py")

    assert [1, 899, sum(best < 0.7), 0.7] == ran.numbers(0)
    assert [best.mean(), right.mean()] == pytest.approx(ran.numbers(1), abs=PRINTED)
    assert [899] == [a["ml.prediction.batch.size"] for a in ran.span_attributes()]
    assert 899 == ran.total("ml.predictions")
    assert 899 == ran.total("ml.calibration.predictions")
    assert sum(right) == ran.total("ml.calibration.correct")
    assert best.sum() == pytest.approx(ran.total("ml.calibration.confidence"))


def test_arrays() -> None:
    """
    The confidence of a tensor of logits is the softmax of what it holds, at the temperature.
    """
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(8, 3)).astype(np.float32)
    logits = generator.normal(size=(5, 8)).astype(np.float32) @ weights
    expected = special.softmax(logits / 1.5, axis=1)
    ran = run("arrays.py")
    shown = [line.split() for line in ran.printed.splitlines()[1:]]

    assert "of shape (5, 3)" in ran.printed
    assert [("cat", "dog", "fox")[i] for i in expected.argmax(axis=1)] == [s[0] for s in shown]
    assert expected.max(axis=1) == pytest.approx([float(s[1]) for s in shown], abs=PRINTED)
    assert 5 == ran.total("ml.predictions")
    assert expected.max(axis=1).sum() == pytest.approx(
        ran.total("ml.prediction.confidence", field="sum", ml_prediction_confidence_source="logit"),
        rel=1e-5,
    )
    assert (stats.entropy(expected, axis=1) / math.log(3)).sum() == pytest.approx(
        ran.total("ml.prediction.uncertainty", field="sum"), rel=1e-5
    )


def test_ensemble() -> None:
    """
    The mutual information is that of scipy's entropies, and is greater far from the training.
    """
    points, sides = make_moons(400, noise=0.2, random_state=0)
    members = [
        make_pipeline(PolynomialFeatures(3), LogisticRegression(max_iter=2000)).fit(
            *resample(points, sides, random_state=seed, n_samples=100)
        )
        for seed in range(10)
    ]
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 100)
    near, _ = make_moons(100, noise=0.2, random_state=1)
    expected = []
    for sample in (near, 20 * np.column_stack([np.cos(angle), np.sin(angle)])):
        proba = np.stack([member.predict_proba(sample) for member in members])
        mean = proba.mean(axis=0)
        dispute = stats.entropy(mean, axis=1) - stats.entropy(proba, axis=2).mean(axis=0)
        expected.append([mean.max(axis=1).mean(), dispute.mean()])
    ran = run("ensemble.py")

    assert expected[0] == pytest.approx(ran.numbers(0), abs=PRINTED)
    assert expected[1] == pytest.approx(ran.numbers(1), abs=PRINTED)
    assert expected[1][1] > 3 * expected[0][1]
    assert 200 == ran.total(
        "ml.prediction.uncertainty", ml_prediction_uncertainty_method="mutual_information"
    )
    assert sum(e[1] for e in expected) * 100 == pytest.approx(
        ran.total("ml.prediction.uncertainty", field="sum")
    )


def test_conformal() -> None:
    """
    The coverage printed is that of sets found with numpy's own quantile, and near what it promises.
    """
    pixels, digits = load_digits(return_X_y=True)
    rest_x, tested_x, rest_y, tested_y = train_test_split(
        pixels[:, :32] / 16, digits, test_size=600, random_state=0, stratify=digits
    )
    x, calibrated_x, y, calibrated_y = train_test_split(
        rest_x, rest_y, test_size=600, random_state=0, stratify=rest_y
    )
    model = GaussianNB(var_smoothing=0.1).fit(x, y)
    scores = 1 - np.take_along_axis(
        model.predict_proba(calibrated_x), calibrated_y[:, None], axis=1
    )
    level = math.ceil(601 * 0.9) / 600
    bound = np.quantile(scores, level, method="inverted_cdf")
    sets = 1 - model.predict_proba(tested_x) <= bound
    covered = sets[np.arange(600), tested_y]
    ran = run("conformal.py")

    assert [0.9, covered.mean()] == pytest.approx(ran.numbers(0), abs=PRINTED)
    assert covered.mean() == pytest.approx(0.9, abs=3 * math.sqrt(0.09 / 600))
    assert [600, sets.sum(axis=1).mean()] == pytest.approx(ran.numbers(1)[:2], abs=PRINTED)
    assert sets.sum() == ran.total("ml.prediction.uncertainty", field="sum")
    assert 600 == ran.total("ml.prediction.outcomes")
    assert sum(~covered) == ran.total("ml.prediction.outcomes", ml_prediction_outcome="incorrect")
    assert (covered / sets.sum(axis=1)).sum() == pytest.approx(ran.total("ml.calibration.correct"))


def test_llm() -> None:
    """
    Every reduction printed is that of the recorded log-probabilities, by hand.
    """
    reply = json.loads((EXAMPLES / "llm_reply.json").read_text())
    tokens = reply["choices"][0]["logprobs"]["content"]
    logs = [token["logprob"] for token in tokens]
    alternatives = np.exp([[t["logprob"] for t in token["top_logprobs"]] for token in tokens])
    shares = np.column_stack([alternatives, 1 - alternatives.sum(axis=1)])
    ran = run("llm.py")
    shown = {line.split()[0]: float(line.split()[1]) for line in ran.printed.splitlines()[1:]}

    assert ran.printed.startswith("The capital is Canberra.\n")
    assert {
        "mean": math.exp(np.mean(logs)),
        "min": math.exp(min(logs)),
        "joint": math.exp(sum(logs)),
        "first": math.exp(logs[0]),
    } == pytest.approx({k: v for k, v in shown.items() if k != "entropy"}, abs=PRINTED)
    assert 1 - stats.entropy(shares, axis=1).mean() / math.log(3) == pytest.approx(
        shown["entropy"], abs=PRINTED
    )
    assert 1 == ran.total("ml.predictions", ml_prediction_decision="abstain")
    assert math.exp(np.mean(logs)) == pytest.approx(
        ran.total(
            "ml.prediction.confidence", field="sum", ml_prediction_confidence_source="logprob"
        )
    )


def test_verbalized() -> None:
    """
    Words and figures become the numbers declared; what is neither is dropped, counted and said.
    """
    said = (
        "otel_confidence: model 'primes' gave no usable confidence (unknown_word); its predictions "
        "count, and further ones like it are only counted, in otel_confidence.dropped\n"
    )
    ran = run("verbalized.py", complaint=said)
    shown = [line.split()[-1] for line in ran.printed.splitlines()]

    assert ["0.85", "0.97", "0.85", "0.40"] == shown[:4]
    assert ran.printed.endswith("{'unknown_word': 1}\n")
    assert 5 == ran.total("ml.predictions")
    assert 0.85 + 0.97 + 0.85 + 0.4 == pytest.approx(
        ran.total("ml.prediction.confidence", field="sum")
    )
    assert 1 == ran.total("otel_confidence.dropped", otel_confidence_reason="unknown_word")


def test_cascade() -> None:
    """
    The large model answers exactly where the small one is below 0.9, and both are on record.
    """
    pixels, digits = load_digits(return_X_y=True)
    x, held_x, y, held_y = train_test_split(
        pixels / 16, digits, test_size=0.5, random_state=0, stratify=digits
    )
    proba = GaussianNB(var_smoothing=0.1).fit(x, y).predict_proba(held_x)
    unsure = proba.max(axis=1) < 0.9
    small = proba.argmax(axis=1) == held_y
    large = SVC(gamma=0.5).fit(x, y).predict(held_x) == held_y
    together = np.where(unsure, large, small)
    ran = run("cascade.py")

    assert [sum(~unsure), small[~unsure].mean()] == pytest.approx(ran.numbers(0), abs=PRINTED)
    assert [sum(unsure), large[unsure].mean()] == pytest.approx(ran.numbers(1), abs=PRINTED)
    assert [together.mean(), small.mean()] == pytest.approx(ran.numbers(2), abs=PRINTED)
    assert together.mean() > small.mean()
    assert 899 == ran.total("ml.predictions", ml_model_name="small")
    assert sum(unsure) == ran.total(
        "ml.predictions", ml_model_name="small", ml_prediction_decision="fallback"
    )
    assert sum(unsure) == ran.total("ml.predictions", ml_model_name="large")


def test_late_truth() -> None:
    """
    Truths told in the second process move the calibration counters, four of six correct.
    """
    ran = run("late_truth.py")

    assert ran.printed.startswith("6 predictions, each with a receipt\n6 truths told")
    assert ran.numbers(1)[-1] <= 200
    assert 6 == ran.total("ml.predictions")
    assert 4 == ran.total("ml.calibration.correct")
    assert 6 == ran.total("ml.calibration.predictions")
    assert 0.92 + 0.81 + 0.67 + 0.95 + 0.74 + 0.88 == pytest.approx(
        ran.total("ml.calibration.confidence")
    )


def test_late_truth_over_a_file_of_ones_own(tmp_path: Path) -> None:
    """
    The two parts run apart, with nothing between them but the file.
    """
    file = tmp_path / "receipts.csv"
    alone("late_truth.py", "predict", str(file))
    ran = run("late_truth.py", "truth", str(file))

    assert 7 == len(file.read_text().splitlines())
    assert 0 == ran.total("ml.predictions")
    assert 6 == ran.total("ml.calibration.predictions")


@pytest.mark.parametrize("name", QUICK)
def test_examples_are_quiet_without_a_collector(name: str) -> None:
    """
    An example prints what it shows and ends, with nothing on its standard error.
    """
    printed = alone(name)

    assert printed.strip()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_examples_send_only_where_they_are_told(path: Path) -> None:
    """
    Every example says in its docstring how it is run, and configures only with an endpoint given.
    """
    text = path.read_text()

    assert f"    python examples/{path.name}" in text
    assert "is set, as" in text.replace("\n", " ")
    assert re.search(
        r'if "OTEL_EXPORTER_OTLP_ENDPOINT" in os\.environ:\n'
        rf'        oc\.configure\(service_name="example-{path.stem.replace("_", "-")}"\)\n'
        r"    main\(",
        text,
    )
    assert 1 == text.count("oc.configure(")


def test_every_example_is_tested() -> None:
    """
    Each file has a test of its name here.
    """
    names = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}

    assert set() == {path.stem for path in FILES} - names
