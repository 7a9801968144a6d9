"""
This module tracks a model that returns tensors: they are read as they are, wherever they live.

    python examples/arrays.py

With PyTorch installed the tensors are PyTorch's; without, numpy's arrays stand in for them. Where
OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is sent there.
"""

import importlib.util
import os
from importlib import import_module
from typing import Any

import numpy as np

import otel_confidence as oc
from otel_confidence.sdk.extract import Logits, extractor

TORCH = importlib.util.find_spec("torch") is not None
CLASSES = ("cat", "dog", "fox")
# A temperature that was fitted on held-out data takes away what the logits are too sure of.
DECLARED = Logits(".", temperature=1.5, classes=CLASSES)
UNSURE = Logits(".", reduce="entropy", temperature=1.5)

generator = np.random.default_rng(0)
weights = generator.normal(size=(8, len(CLASSES)))


def tensor(values: Any) -> Any:
    """
    The values as the library at hand holds them, in single precision.
    """
    if TORCH:
        torch = import_module("torch")
        return torch.asarray(values, dtype=torch.float32)
    return np.asarray(values, dtype=np.float32)


@oc.track_confidence(
    model="pets", version="1", confidence=DECLARED, uncertainty=UNSURE, threshold=0.6
)
def forward(images: Any) -> Any:
    """
    Logits of shape [n, 3], still a tensor.
    """
    return images @ tensor(weights)


def main() -> None:
    """
    One forward pass over five images, and what was found in it.
    """
    logits = forward(tensor(generator.normal(size=(5, 8))))
    found = extractor(DECLARED)(logits)
    print(f"{type(logits).__module__}.{type(logits).__name__} of shape {tuple(logits.shape)}")
    for label, confidence in zip(found.label, np.array(found.confidence), strict=True):
        print(f"  {label}  {confidence:.3f}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-arrays")
    main()
