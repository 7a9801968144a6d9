"""
This module says which alert makes which others superfluous; every notifier reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from otel_confidence.conventions import MODEL_NAME
from otel_confidence.generate.rules.kinds import TOPIC
from otel_confidence.objectives.recorded import SLO_ID


@dataclass(frozen=True, slots=True)
class Inhibition:
    """
    While an alert with the labels of the source fires, those of the target are not told.
    """

    source: Mapping[str, str]
    target: Mapping[str, str]
    """What labels must be; several values are divided by ``|``."""
    equal: tuple[str, ...] = ()
    """Labels that both must share."""


def _labels(**labels: str) -> Mapping[str, str]:
    return MappingProxyType(labels)


BOTH_WAYS: Final = ("drift", "pipeline", "serving")
"""Topics that have pages and warnings; alerts of others, which have no topic, are left alone."""
INHIBITIONS: Final = (
    # Nothing less grave is told of a model that no longer predicts.
    Inhibition(
        _labels(alertname="ModelTrafficStopped"),
        _labels(severity="warning"),
        (MODEL_NAME.label,),
    ),
    # A page makes warnings about the same thing superfluous.
    Inhibition(
        _labels(severity="critical", topic="|".join(BOTH_WAYS)),
        _labels(severity="warning"),
        (TOPIC, MODEL_NAME.label),
    ),
    Inhibition(
        _labels(alertname="SLOBudgetBurnsFast"),
        _labels(alertname="SLOBudgetBurnsSlowly"),
        (SLO_ID,),
    ),
    # Behind a dead Collector every model seems to stand still.
    Inhibition(
        _labels(alertname="CollectorDown"),
        _labels(alertname="ModelTrafficStopped|ModelTruthStopped"),
    ),
)
