"""
This module tracks a scikit-learn classifier: probabilities out of it, truths back in.

    python examples/scikit_learn.py

Where OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is sent there.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otel_confidence as oc

wines = load_wine()
trained_x, held_x, trained_y, held_y = train_test_split(
    wines.data, wines.target, test_size=0.5, random_state=0, stratify=wines.target
)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
model.fit(trained_x, trained_y)


@oc.track_confidence(
    model="wines", version="1", confidence="proba.max", label="label", threshold=0.8
)
def classify(wine: NDArray[np.float64]) -> dict[str, Any]:
    """
    The cultivar of a wine by its thirteen measurements, with the probability of each of the three.
    """
    proba = model.predict_proba([wine])[0]
    return {"label": str(wines.target_names[proba.argmax()]), "proba": proba}


def main() -> None:
    """
    Classify the held-out half, and tell the truth about each.
    """
    sure, right, unsure = [], [], 0
    for wine, truth in zip(held_x, held_y, strict=True):
        answer = classify(wine)
        oc.record_outcome(oc.last_receipt(), label=wines.target_names[truth])
        sure.append(answer["proba"].max())
        right.append(answer["label"] == wines.target_names[truth])
        unsure += sure[-1] < 0.8
    print(f"{len(sure)} wines: mean confidence {np.mean(sure):.3f}, accuracy {np.mean(right):.3f}")
    print(f"below the threshold of 0.8, so abstained from: {unsure}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-scikit-learn")
    main()
