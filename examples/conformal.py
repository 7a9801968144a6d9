"""
This module tracks a conformal predictor: sets of labels that hold the truth as often as promised.

    python examples/conformal.py

Split conformal prediction (Vovk, Gammerman and Shafer 2005; score of Sadinle, Lei and Wasserman
2019) around any classifier: scores on data it was not trained on give a bound, and a label whose
score keeps to the bound is in the set. Where OTEL_EXPORTER_OTLP_ENDPOINT is set, as
``otel-confidence up`` says, it is sent there.
"""

import math
import os

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

import otel_confidence as oc
from otel_confidence.sdk.extract import PredictionSet

ALPHA = 0.1

pixels, digits = load_digits(return_X_y=True)
upper_half = pixels[:, :32] / 16  # so that many digits can't be told apart
rest_x, tested_x, rest_y, tested_y = train_test_split(
    upper_half, digits, test_size=600, random_state=0, stratify=digits
)
trained_x, calibrated_x, trained_y, calibrated_y = train_test_split(
    rest_x, rest_y, test_size=600, random_state=0, stratify=rest_y
)
model = GaussianNB(var_smoothing=0.1).fit(trained_x, trained_y)


def bound() -> float:
    """
    The score that a share of 1 - alpha of new cases stays below, with the finite-sample correction.
    """
    proba = model.predict_proba(calibrated_x)
    scores = np.sort(1 - proba[np.arange(len(calibrated_y)), calibrated_y])
    return float(scores[math.ceil((len(scores) + 1) * (1 - ALPHA)) - 1])


BOUND = bound()


@oc.track_confidence(model="digit-sets", version="1", confidence=PredictionSet(".", alpha=ALPHA))
def classify(image: NDArray[np.float64]) -> list[int]:
    """
    Every digit that can't be ruled out.
    """
    proba = model.predict_proba([image])[0]
    return [int(digit) for digit in np.flatnonzero(1 - proba <= BOUND)]


def main() -> None:
    """
    Classify images that nothing has seen, and tell their digits.

    A set that lacks the digit is incorrect; one of n that holds it is right to one nth.
    """
    sizes, covered = [], 0
    for image, digit in zip(tested_x, tested_y, strict=True):
        found = classify(image)
        oc.record_outcome(oc.last_receipt(), label=digit)
        sizes.append(len(found))
        covered += digit in found
    print(f"promised coverage {1 - ALPHA:.3f}, found {covered / len(sizes):.3f}")
    counts = ", ".join(f"{sizes.count(n)} of {n}" for n in sorted(set(sizes)))
    print(f"{len(sizes)} sets, mean size {np.mean(sizes):.3f}: {counts}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-conformal")
    main()
