"""
This module names the dashboards: addresses of panels and alerts rest on uids that never change.
"""

from typing import Final

FLEET: Final = "otel-confidence-fleet"
MODEL: Final = "otel-confidence-model"
CALIBRATION: Final = "otel-confidence-calibration"
DRIFT: Final = "otel-confidence-drift"
SLO: Final = "otel-confidence-slo"
FEEDBACK: Final = "otel-confidence-feedback"
HEALTH: Final = "otel-confidence-health"
UIDS: Final = (FLEET, MODEL, CALIBRATION, DRIFT, SLO, FEEDBACK, HEALTH)
"""In the order in which one looks: which model, what of it, and whether to believe the panels."""


def board(uid: str, *chosen: str) -> str:
    """
    The address of a dashboard after Grafana's own; ``chosen`` is such as ``var-model=digits``.
    """
    query = f"?{'&'.join(chosen)}" if chosen else ""
    return f"/d/{uid}{query}"
