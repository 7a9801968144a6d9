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


def _when(*, source: str, target: Mapping[str, str], equal: tuple[str, ...] = ()) -> Inhibition:
    return Inhibition(
        MappingProxyType({"alertname": source}), MappingProxyType(dict(target)), equal
    )


_PAGE: Final = MappingProxyType({"severity": "critical"})
_WARNING: Final = MappingProxyType({"severity": "warning"})
INHIBITIONS: Final = (
    # Nothing less grave is told of a model that no longer predicts.
    _when(source="ModelTrafficStopped", target=_WARNING, equal=(MODEL_NAME.label,)),
    # A page makes warnings about the same thing superfluous.
    Inhibition(_PAGE, _WARNING, (TOPIC, MODEL_NAME.label, SLO_ID)),
    # Behind a dead Collector every model seems to stand still.
    _when(
        source="CollectorDown",
        target={"alertname": "ModelTrafficStopped|ModelTruthStopped"},
    ),
)
