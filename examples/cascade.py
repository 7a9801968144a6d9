"""
This module asks a small model first, and a large one where the small one is unsure.

    python examples/cascade.py

Both predictions are on record: the small model's with the decision ``fallback``, the large one's
under its own name. Where OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is
sent there.
"""

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

import otel_confidence as oc

pixels, digits = load_digits(return_X_y=True)
trained_x, held_x, trained_y, held_y = train_test_split(
    pixels / 16, digits, test_size=0.5, random_state=0, stratify=digits
)
small_model = GaussianNB(var_smoothing=0.1).fit(trained_x, trained_y)
large_model = SVC(gamma=0.5).fit(trained_x, trained_y)


class Answer(NamedTuple):
    """
    A digit, how sure the model was, and which one it was.
    """

    label: int
    confidence: float
    by: str


@oc.track_confidence(model="large", version="1", confidence="confidence", label="label")
def large(image: NDArray[np.float64]) -> Answer:
    """
    A support vector machine, sure by how far its best class leads in votes.
    """
    votes = np.sort(large_model.decision_function([image])[0])
    lead = float(np.clip(votes[-1] - votes[-2], 0, 1))
    return Answer(int(large_model.predict([image])[0]), lead, "large")


@oc.track_confidence(
    model="small", version="1", confidence="confidence", label="label", threshold=0.9,
    fallback=large,
)  # fmt: skip
def classify(image: NDArray[np.float64]) -> Answer:
    """
    Naive Bayes: quick, and often wrong where it is unsure.
    """
    proba = small_model.predict_proba([image])[0]
    return Answer(int(proba.argmax()), float(proba.max()), "small")


def main() -> None:
    """
    Classify the held-out half, and say who answered.
    """
    answers = [classify(image) for image in held_x]
    for name in ("small", "large"):
        right = [a.label == digit for a, digit in zip(answers, held_y, strict=True) if a.by == name]
        print(f"{name}: {len(right)} answers, {np.mean(right):.3f} of them right")
    together = np.mean([a.label == digit for a, digit in zip(answers, held_y, strict=True)])
    alone = np.mean(small_model.predict(held_x) == held_y)
    print(f"together {together:.3f}, the small one alone {alone:.3f}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-cascade")
    main()
