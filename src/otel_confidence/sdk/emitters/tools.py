"""
This module says what an emitter needs of the telemetry it works for.
"""

from collections.abc import Callable
from typing import Any, Protocol

from opentelemetry._logs import Logger
from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.instruments import Instruments
from otel_confidence.sdk.labels import Labels
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.sdk.seen import Seen
from otel_confidence.sdk.series import ModelSeries
from otel_confidence.sdk.sums import Sums
from otel_confidence.settings import Settings


class Tools(Protocol):
    """
    The part of ``Telemetry`` that measuring is done with.
    """

    settings: Settings
    sums: Sums
    guard: Guard
    redactor: Redactor
    """The way out for every text of the program's."""
    labels: Labels
    """The metric attributes of what is reported."""
    logger: Logger
    instruments: Instruments
    seen: Seen
    """Predictions whose truth is known."""
    now: Callable[[], float]

    def model(self, name: str, version: str) -> ModelSeries:
        """
        The series of a model.
        """

    def recorded(self, signal: str, count: int = 1) -> None:
        """
        Account for records that the library was given.
        """

    def dropped(self, signal: str, reason: str, count: int = 1) -> None:
        """
        Account for records that were not recorded.
        """

    def lost(self, signal: str, count: int = 1) -> bool:
        """
        Whether records go nowhere; they are accounted for.
        """


Emitter = Callable[[Tools, Any, Span, Context | None], None]
"""Records one record of its kind: metrics, attributes of the span, events."""
