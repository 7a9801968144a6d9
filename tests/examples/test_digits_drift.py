"""
This module checks that the demo's corrupted camera moves drift as it should, and nothing else.
"""

from collections import defaultdict

import pytest
from examples.digits import images, service

from otel_confidence.stats import drift
from otel_confidence.testing import Capture

Shares = dict[str, dict[str, float]]


def by_bin(capture: Capture, metric: str) -> Shares:
    """
    What a metric adds up to, by feature and bin.
    """
    found: Shares = defaultdict(lambda: defaultdict(float))
    for point in capture.points(metric):
        bin_ = str(point.attributes.get("ml.feature.bin", ""))
        found[str(point.attributes["ml.feature.name"])][bin_] += point.value
    return found


def psi(capture: Capture, before: Shares) -> dict[str, float]:
    """
    PSI of each feature over what was counted since.
    """
    expected = by_bin(capture, "ml.reference.feature.ratio")
    now = by_bin(capture, "ml.feature.values")
    return {
        name: drift.binned_psi(
            [expected[name][bin_] for bin_ in counts],
            [count - before[name][bin_] for bin_, count in counts.items()],
            minimum=drift.MIN_VALUES,
        )
        for name, counts in now.items()
    }


def test_a_lost_lower_half_moves_psi_of_the_lower_half(telemetry: Capture) -> None:
    """
    Healthy images look like the reference; without their lower half only the upper ink does.
    """
    model, _ = service.train()
    classify = service.tracked(model)
    _, held_out = images.split()
    for pixels in images.intact(held_out.pixels)[:300]:
        classify(pixels.tolist())
    healthy = psi(telemetry, defaultdict(lambda: defaultdict(float)))
    before = by_bin(telemetry, "ml.feature.values")
    for pixels in images.lower_half_lost(held_out.pixels)[:300]:
        classify(pixels.tolist())
    corrupted = psi(telemetry, before)

    assert {"ink", "ink_upper", "ink_lower"} == healthy.keys()
    assert all(value < 0.1 for value in healthy.values()), healthy
    assert corrupted["ink_lower"] > 2
    assert corrupted["ink"] > 0.25
    assert healthy["ink_upper"] == pytest.approx(corrupted["ink_upper"])
