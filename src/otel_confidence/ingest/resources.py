"""
This module makes labels of OTLP resources and attributes, as Prometheus's OTLP receiver does.

Settings: ``UnderscoreEscapingWithSuffixes``, ``keep_identifying_resource_attributes: true`` and the
promoted attributes below.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from otel_confidence import spelling
from otel_confidence.conventions import SERVICE_NAME
from otel_confidence.ingest.limits import Limits, Refused
from otel_confidence.ingest.values import text, texts
from otel_confidence.points import NAME_LABEL, Labels, Series

_NAMESPACE: Final = "service.namespace"
_INSTANCE: Final = "service.instance.id"
_IDENTIFYING: Final = frozenset({SERVICE_NAME.name, _NAMESPACE, _INSTANCE})
PROMOTED: Final = (
    SERVICE_NAME.name, _NAMESPACE, _INSTANCE, "service.version", "deployment.environment.name",
    "host.name", "container.name", "k8s.cluster.name", "k8s.namespace.name",
    "k8s.deployment.name", "k8s.pod.name", "k8s.container.name", "collector.instance.id",
)  # fmt: skip
"""Resource attributes that become labels of every series; the others stand on ``target_info``."""
TARGET_INFO: Final = "target_info"


@dataclass(frozen=True, slots=True)
class Origin:
    """
    What a resource gives to each of its series.
    """

    key: tuple[bytes, ...]
    """The attributes as they came."""
    attributes: dict[str, str]
    promoted: dict[str, str]
    """Labels that a point's own attributes win over."""
    identity: dict[str, str]
    """``job`` and ``instance``, which win over everything."""
    info: Series | None = field(default=None)
    """The series that carries the other attributes, None where there is nothing to tell."""


def origin(key: tuple[bytes, ...], given: Sequence[KeyValue], limits: Limits) -> Origin:
    """
    Read a resource.

    Raises:
        Refused: Its attributes are too long or too many to be labels.
    """
    attributes = texts(given)
    promoted = {
        spelling.label_name(name): attributes[name] for name in PROMOTED if name in attributes
    }
    identity = _identity(attributes)
    info = _info(given, identity, limits) if attributes.keys() - _IDENTIFYING else None
    limits.check_labels([*promoted.items(), *identity.items()])
    return Origin(key, attributes, promoted, identity, info)


def base_labels(attributes: Sequence[KeyValue], origin: Origin) -> dict[str, str]:
    """
    The labels of a point, without its name.

    Attributes whose labels fall together are joined by semicolons in the order of their keys.
    """
    labels = _spelled(attributes)
    for name, value in origin.promoted.items():
        if not labels.get(name):
            labels[name] = value
    labels.update(origin.identity)
    return labels


def series(labels: dict[str, str], name: str, **more: str) -> Series:
    """
    A series of these labels, without empty ones.
    """
    named = {**labels, **more, NAME_LABEL: name}
    pairs: Labels = tuple(sorted((key, value) for key, value in named.items() if value))
    return Series(pairs)


def _identity(attributes: dict[str, str]) -> dict[str, str]:
    identity: dict[str, str] = {}
    if SERVICE_NAME.name in attributes:
        job = attributes[SERVICE_NAME.name]
        within = attributes.get(_NAMESPACE)
        identity["job"] = job if within is None else f"{within}/{job}"
    if _INSTANCE in attributes:
        identity["instance"] = attributes[_INSTANCE]
    return {name: value for name, value in identity.items() if value}


def _info(
    attributes: Sequence[KeyValue], identity: dict[str, str], limits: Limits
) -> Series | None:
    if not identity:
        return None
    labels = {**_spelled(attributes), **identity}
    limits.check_labels(labels.items())
    return series(labels, TARGET_INFO)


def _spelled(attributes: Sequence[KeyValue]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for pair in sorted(attributes, key=lambda each: each.key):
        try:
            name = spelling.label_name(pair.key)
        except ValueError as error:
            raise Refused("invalid_attribute", str(error)) from None
        value = text(pair.value)
        labels[name] = f"{labels[name]};{value}" if labels.get(name) else value
    return labels
