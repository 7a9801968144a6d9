"""
This module holds what the table of signals is made of: attributes, metrics and events.
"""

from dataclasses import dataclass

from otel_confidence import spelling


@dataclass(frozen=True, slots=True)
class Attribute:
    """
    A key of spans and events, and of metrics where ``on_metrics`` is true.
    """

    name: str
    about: str
    on_metrics: bool = False
    """Whether it may stand on metrics: low in cardinality, neither id nor text."""
    values: tuple[str, ...] = ()
    """The values it can take; empty when they are open."""

    @property
    def label(self) -> str:
        """
        The Prometheus label.
        """
        return spelling.label_name(self.name)


@dataclass(frozen=True, slots=True)
class Metric:
    """
    An instrument: its name, unit, attributes and, for a histogram, upper bucket edges.
    """

    name: str
    kind: spelling.Kind
    unit: str
    about: str
    attributes: tuple[Attribute, ...]
    edges: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        """
        The Prometheus name, without ``_bucket``, ``_sum`` or ``_count``.
        """
        return spelling.metric_name(self.name, self.unit, self.kind)


@dataclass(frozen=True, slots=True)
class Event:
    """
    A log record with an event name.
    """

    name: str
    severity: str
    about: str
