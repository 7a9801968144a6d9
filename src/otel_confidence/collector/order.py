"""
This module checks the order of what happens to telemetry on its way.
"""

import re
from collections.abc import Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.losses import takes_away
from otel_confidence.collector.merging import leaves
from otel_confidence.collector.pipelines import Component, Configuration, Route
from otel_confidence.conventions import EVENT_NAME
from otel_confidence.located import Located

_SAMPLING: Final = ("tail_sampling", "probabilistic_sampler")
_SPAN_METRICS: Final = "span_metrics"
_NAME: Final = re.escape(f'attributes["{EVENT_NAME.name}"]')
_SETS: Final = re.compile(rf"set\((?:log\.)?{_NAME}, *(?:log\.)?event_name\)")


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Memory first, span metrics before sampling, redaction and event names before what keeps them.
    """
    yield from _memory(whole)
    routes = whole.routes()
    yield from _counted_after_sampling(routes)
    yield from _unredacted(routes)
    for route in routes:
        if route.signal == "logs" and _is_loki(whole, route.steps[-1]):
            yield from _event_names(route)


def _memory(whole: Configuration) -> Iterator[Finding]:
    for pipeline in whole.pipelines:
        named = pipeline.named("receivers")
        found = [whole.find("receivers", name) for name in named]
        if not any(each is not None and each.room == "receivers" for each in found):
            continue
        processors = pipeline.named("processors")
        kinds = [Component("processors", each.text, each).type for each in processors]
        if "memory_limiter" not in kinds:
            yield error(
                pipeline.place, "it has no memory limiter: the Collector is killed with all it has",
                "put memory_limiter first among its processors",
            )  # fmt: skip
        elif kinds[0] != "memory_limiter":
            yield error(
                processors[kinds.index("memory_limiter")],
                f"it refuses only after {processors[0].text} has taken memory",
                "put memory_limiter first among the processors",
            )


def _counted_after_sampling(routes: list[Route]) -> Iterator[Finding]:
    for route in routes:
        sampled, counted = route.position(*_SAMPLING), route.position(_SPAN_METRICS)
        if -1 < sampled < counted:
            yield error(
                route.steps[counted].place,
                f"it counts only the spans that {route.steps[sampled].id} left",
                "feed it from a pipeline without sampling, and sample in another one",
            )


def _unredacted(routes: list[Route]) -> Iterator[Finding]:
    for route in routes:
        if route.signal in ("traces", "logs") and route.position("redaction") < 0:
            if route.steps[-1].type in ("debug", "nop", "load_balancing"):
                continue
            if route.steps[-1].type == "otlp_grpc" and _is_gateway(route.steps[-1]):
                continue
            yield warning(
                route.pipeline.place, f"{route.signal} reach {route.steps[-1].id} unredacted",
                "put redaction among the processors: other libraries send texts as they are",
            )  # fmt: skip


def _is_gateway(exporter: Component) -> bool:
    """
    Whether it hands on to another Collector, whose work the redaction is.
    """
    told = f"{exporter.id} {exporter.text('endpoint')}"
    return "gateway" in told or "otelcol" in told


def _is_loki(whole: Configuration, exporter: Component) -> bool:
    address = f"{exporter.id} {whole.expand(exporter.text('endpoint'))}"
    return exporter.type in ("otlp_http", "loki") and "loki" in address


def _event_names(route: Route) -> Iterator[Finding]:
    remedy = f'in a transform: set(log.attributes["{EVENT_NAME.name}"], log.event_name)'
    kept = False
    for step in route.steps:
        kept = kept or (step.type == "transform" and _says(step.place, _SETS))
        lost = takes_away(step, EVENT_NAME.name)
        if lost is not None:
            yield error(
                lost, f"it takes {EVENT_NAME.name} away, by which events are found in Loki",
                f"leave the attribute {EVENT_NAME.name} alone",
            )  # fmt: skip
    if not kept:
        yield warning(
            route.pipeline.place,
            f"Loki drops the names of events, and nothing keeps them as {EVENT_NAME.name}", remedy,
        )  # fmt: skip


def _says(place: Located, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(leaf.text) for leaf in leaves(place))
