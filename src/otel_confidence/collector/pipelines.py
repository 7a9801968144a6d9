"""
This module sees a configuration as its components and the ways that telemetry takes through them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from otel_confidence.collector import merging
from otel_confidence.collector.variables import expanded
from otel_confidence.located import Located

SIGNALS: Final = ("traces", "metrics", "logs", "profiles")
ROOMS: Final = ("receivers", "processors", "exporters")
_MOST_ROUTES: Final = 2_000
_FORMER: Final = {
    "otlphttp": "otlp_http",
    "prometheusremotewrite": "prometheus_remote_write",
    "loadbalancing": "load_balancing",
    "spanmetrics": "span_metrics",
    "servicegraph": "service_graph",
    "signaltometrics": "signal_to_metrics",
    "deltatocumulative": "delta_to_cumulative",
    "resourcedetection": "resource_detection",
    "filelog": "file_log",
    "hostmetrics": "host_metrics",
    "webhookevent": "webhook_event",
    "fluentforward": "fluent_forward",
    "cumulativetodelta": "cumulative_to_delta",
}
"""Types by their former names, which the Collector still takes."""


@dataclass(frozen=True, slots=True)
class Component:
    """
    A component as a pipeline names it.
    """

    room: str
    """Where it is configured: receivers, processors, exporters, connectors or extensions."""
    id: str
    place: Located
    """Its settings, or where it is named if it has none."""

    @property
    def type(self) -> str:
        """
        What it is, in today's spelling.
        """
        kind = self.id.partition("/")[0].strip()
        if self.room == "exporters" and kind == "otlp":
            return "otlp_grpc"
        return _FORMER.get(kind, kind)

    def text(self, *keys: str) -> str:
        """
        A setting as it is written.
        """
        return merging.text(self.place, *keys)


@dataclass(frozen=True, slots=True)
class Route:
    """
    One way of telemetry from a receiver to an exporter.
    """

    signal: str
    """What it is at the end: a connector may make metrics of spans."""
    pipeline: "Pipeline"
    """The last one."""
    steps: tuple[Component, ...]
    """All components in their order, the receiver first, the exporter last."""

    def position(self, *types: str) -> int:
        """
        Where a component of one of these types comes first, -1 if none does.
        """
        return next((i for i, each in enumerate(self.steps) if each.type in types), -1)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """
    A pipeline and the names in its lists.
    """

    name: str
    place: Located

    @property
    def signal(self) -> str:
        """
        What goes through it.
        """
        return self.name.partition("/")[0]

    def named(self, room: str) -> list[Located]:
        """
        The names of its receivers, processors or exporters.
        """
        return merging.items(merging.at(self.place, room))


class Configuration:
    """
    A whole configuration, laid together, with what is around it.
    """

    def __init__(self, root: Located, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = environment
        found = merging.entries(merging.at(root, "service", "pipelines"))
        self.pipelines = [Pipeline(name, place) for name, place in found.items()]

    def configured(self, room: str) -> dict[str, Located]:
        """
        The settings of a room's components by id; null is a mapping without any.
        """
        return {
            name: place if place.value is not None else replace(place, value={})
            for name, place in merging.entries(merging.at(self.root, room)).items()
        }

    def extensions(self) -> list[Located]:
        """
        The names of the extensions that are started.
        """
        return merging.items(merging.at(self.root, "service", "extensions"))

    def started(self) -> Iterator[Component]:
        """
        The extensions that are started, as far as they are configured.
        """
        configured = self.configured("extensions")
        for name in self.extensions():
            if name.text in configured:
                yield Component("extensions", name.text, configured[name.text])

    def find(self, room: str, name: Located) -> Component | None:
        """
        The component that a pipeline names: of its room, or a connector.
        """
        rooms = (room,) if room == "processors" else (room, "connectors")
        for each in rooms:
            settings = self.configured(each).get(name.text)
            if settings is not None:
                return Component(each, name.text, settings)
        return None

    def used(self, room: str) -> Iterator[Component]:
        """
        Each component of a room that a pipeline names, once.
        """
        side = room if room in ROOMS else "exporters"
        seen: set[str] = set()
        for pipeline in self.pipelines:
            for name in pipeline.named(side):
                found = self.find(side, name)
                if found is not None and found.room == room and found.id not in seen:
                    seen.add(found.id)
                    yield found

    def expand(self, text: str) -> str:
        """
        A setting with its variables in their places.
        """
        return expanded(text, self.environment)

    def routes(self) -> list[Route]:
        """
        Every way through the pipelines; ways that lead back into themselves are left out.
        """
        found: list[Route] = []
        for pipeline in self.pipelines:
            for name in pipeline.named("receivers"):
                source = self.find("receivers", name)
                if source is not None and source.room == "receivers":
                    found.extend(self._onward(pipeline, (source,), (pipeline.name,)))
                if len(found) > _MOST_ROUTES:
                    return found
        return found

    def _onward(
        self, pipeline: Pipeline, steps: tuple[Component, ...], passed: tuple[str, ...]
    ) -> Iterator[Route]:
        named = [self.find("processors", name) for name in pipeline.named("processors")]
        steps = (*steps, *(each for each in named if each is not None))
        for name in pipeline.named("exporters"):
            found = self.find("exporters", name)
            if found is None:
                continue
            if found.room == "exporters":
                yield Route(pipeline.signal, pipeline, (*steps, found))
                continue
            for after in self.pipelines:
                if found.id in (n.text for n in after.named("receivers")) and (
                    after.name not in passed
                ):
                    yield from self._onward(after, (*steps, found), (*passed, after.name))
