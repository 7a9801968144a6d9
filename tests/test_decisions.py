"""This module checks what confidences decide."""

from typing import Any

import pytest

from otel_confidence import conventions
from otel_confidence.decisions import Decisions, decisions
from otel_confidence.errors import ConfigurationError


@pytest.mark.parametrize(
    ("declared", "decided"),
    [
        ({}, {0.0: "accept", 1.0: "accept"}),
        ({"threshold": 0.7}, {0.69: "abstain", 0.7: "accept", 1.0: "accept"}),
        ({"threshold": 0}, {0.0: "accept"}),
        ({"threshold": 0.7, "fallback": True}, {0.0: "fallback", 0.7: "accept"}),
        (
            {"thresholds": {"accept": 0.9, "escalate": 0.6}},
            {0.59: "abstain", 0.6: "escalate", 0.89: "escalate", 0.9: "accept"},
        ),
        ({"thresholds": {"accept": 0.9, "escalate": 0}}, {0.0: "escalate", 0.9: "accept"}),
        (
            {"thresholds": {"accept": 0.9, "escalate": 0.6}, "fallback": True},
            {0.59: "fallback", 0.6: "escalate", 0.9: "accept"},
        ),
        (
            {"thresholds": {"fallback": 0.3, "accept": 0.9, "escalate": 0.6}, "fallback": True},
            {0.29: "abstain", 0.3: "fallback", 0.6: "escalate", 0.9: "accept"},
        ),
    ],
)
def test_confidence_decides(declared: dict[str, Any], decided: dict[float, str]) -> None:
    """
    Each decision holds from its own threshold up to the next.
    """
    found = decisions(**declared)

    assert decided == {confidence: found.of(confidence) for confidence in decided}


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"threshold": 70}, r"within 0..1, got 70 \(percent"),
        ({"threshold": "0.7"}, "within 0..1, got '0.7'"),
        ({"threshold": True}, "within 0..1"),
        ({"threshold": float("nan")}, "within 0..1, got nan$"),
        ({"threshold": 0.7, "thresholds": {"accept": 0.7}}, "either threshold= or"),
        ({"thresholds": {"escalate": 0.7}}, "must be like"),
        ({"thresholds": [0.9, 0.7]}, "must be like"),
        ({"thresholds": {"accept": 0.9, "ask": 0.6}}, "got 'ask'"),
        ({"thresholds": {"accept": 0.9, "abstain": 0.6}}, "got 'abstain'"),
        ({"thresholds": {"accept": 0.6, "escalate": 0.9}}, "accept be the highest"),
        ({"thresholds": {"accept": 0.6, "escalate": 0.6}}, "must differ"),
        ({"thresholds": {"accept": 0.9, "fallback": 0.6}}, "needs fallback="),
        ({"fallback": True}, "needs threshold="),
    ],
)
def test_contradictions_are_refused(declared: dict[str, Any], reason: str) -> None:
    """
    A declaration that can't be meant is refused with what would be right.
    """
    with pytest.raises(ConfigurationError, match=reason):
        decisions(**declared)


def test_acceptance_has_the_highest_threshold() -> None:
    """
    The threshold of a prediction is that of its acceptance, whatever else is decided below it.
    """
    found = decisions(thresholds={"accept": 0.9, "escalate": 0.6})

    assert (0.9, None) == (found.threshold, Decisions().threshold)


def test_without_fallback_it_abstains() -> None:
    """
    Where nothing can be fallen back to, such predictions are left unanswered.
    """
    assert "abstain" == decisions(0.7, fallback=True).without_fallback().of(0.5)


def test_decisions_are_conventional() -> None:
    """
    Every decision that can be declared is a value of the table of signals.
    """
    found = decisions(thresholds={"accept": 0.9, "escalate": 0.6, "fallback": 0.3}, fallback=True)

    assert set(conventions.DECISION.values) == set(found.names)
