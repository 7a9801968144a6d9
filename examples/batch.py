"""
This module predicts many rows in one call, and tells the truth about each of them.

    python examples/batch.py

Where OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is sent there.
"""

import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import otel_confidence as oc

pixels, digits = load_digits(return_X_y=True)
trained_x, held_x, trained_y, held_y = train_test_split(
    pixels / 16, digits, test_size=0.5, random_state=0, stratify=digits
)
model = LogisticRegression(max_iter=500).fit(trained_x, trained_y)

# No function of one's own is needed: what the method returns, [n, classes], is a batch of n.
predict_proba = oc.track_confidence(
    model="digits-batch", version="1", confidence="max", label="argmax", threshold=0.7
)(model.predict_proba)


def main() -> None:
    """
    Predict the held-out half in one call.
    """
    proba = predict_proba(held_x)
    receipts = oc.last_receipts()
    for receipt, truth in zip(receipts, held_y, strict=True):
        oc.record_outcome(receipt, label=truth)
    best = proba.max(axis=1)
    right = proba.argmax(axis=1) == held_y
    print(f"1 call, {len(receipts)} predictions, {np.sum(best < 0.7)} of them below 0.7")
    print(f"mean confidence {best.mean():.3f}, accuracy {right.mean():.3f}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-batch")
    main()
