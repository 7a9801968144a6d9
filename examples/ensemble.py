"""
This module tracks an ensemble: its confidence is that of the mean, its uncertainty the dispute.

    python examples/ensemble.py

Far from what they were trained on, members can each be sure and contradict each other. Confidence
alone may hide that; mutual information shows it. Where OTEL_EXPORTER_OTLP_ENDPOINT is set, as
``otel-confidence up`` says, it is sent there.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils import resample

import otel_confidence as oc
from otel_confidence.sdk.extract import extractor

DECLARED = "members.mutual_information"

points, sides = make_moons(400, noise=0.2, random_state=0)
members = [
    make_pipeline(PolynomialFeatures(3), LogisticRegression(max_iter=2000)).fit(
        *resample(points, sides, random_state=seed, n_samples=100)
    )
    for seed in range(10)
]


@oc.track_confidence(model="moons", version="1", confidence=DECLARED, label="label")
def classify(sample: NDArray[np.float64]) -> dict[str, Any]:
    """
    The side of each point, and the probabilities that every member gives, shape [10, n, 2].
    """
    proba = np.stack([member.predict_proba(sample) for member in members])
    return {"label": proba.mean(axis=0).argmax(axis=1), "members": proba}


def main() -> None:
    """
    Compare points like those of the training with points far away from them.
    """
    generator = np.random.default_rng(1)
    near, _ = make_moons(100, noise=0.2, random_state=1)
    angle = generator.uniform(0, 2 * np.pi, 100)
    far = 20 * np.column_stack([np.cos(angle), np.sin(angle)])
    for name, sample in (("like the training", near), ("far away", far)):
        found = extractor(DECLARED)(classify(sample))
        confidence, dispute = np.array(found.confidence), np.array(found.uncertainty)
        print(
            f"{name:18} confidence {confidence.mean():.3f}, "
            f"mutual information {dispute.mean():.4f} nats"
        )


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-ensemble")
    main()
