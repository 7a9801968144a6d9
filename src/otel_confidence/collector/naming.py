"""
This module checks that metrics reach Prometheus as rules and panels ask for them.
"""

import re
from collections.abc import Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import at, items, text
from otel_confidence.collector.pipelines import Component, Configuration, Route
from otel_confidence.conventions import METRICS
from otel_confidence.ingest.resources import PROMOTED
from otel_confidence.located import Located

_STRATEGY: Final = "UnderscoreEscapingWithSuffixes"
_HISTOGRAMS: Final = {metric.name: metric for metric in METRICS if metric.kind == "histogram"}
_DELTA: Final = ("statsd", "count", "sum", "signal_to_metrics", "cumulative_to_delta")
"""What gives sums as differences."""
_PAIRS: Final = re.compile(
    r",*(?:[\x00-+\--<>-\x7f]+=(?:[\x00-$&-+\--\x7f]|%[0-9a-fA-F]{2})*(?:,+|$))+"
)
"""What the Collector reads as attributes: ASCII, with escapes in values."""
_OF_ONE: Final = (
    "host.name", "container.name", "k8s.pod.name", "k8s.container.name", "service.instance.id",
)  # fmt: skip
"""Attributes that become labels and are another one's at each gateway."""
_TRANSLATING: Final = ("prometheus", "prometheus_remote_write")
_STATSD: Final = "timer_histogram_mapping"


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Sums that Prometheus takes, histograms with buckets, and names and labels as rules have them.
    """
    for route in whole.routes():
        if route.signal == "metrics" and _is_prometheus(whole, route.steps[-1]):
            yield from _differences(route)
            for step in route.steps:
                yield from _exponential(step)
    for receiver in whole.used("receivers"):
        if receiver.type == "statsd":
            yield from _of_statsd(receiver)
    for exporter in whole.used("exporters"):
        if exporter.type in _TRANSLATING:
            yield from _translated(exporter)
    processors = list(whole.used("processors"))
    given = whole.environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    for processor in processors:
        yield from _identity(processor)
        yield from _unreadable(processor, given)
    yield from _own(processors, given)


def _is_prometheus(whole: Configuration, exporter: Component) -> bool:
    address = whole.expand(exporter.text("endpoint"))
    to_otlp = exporter.type == "otlp_http" and re.search(r"prometheus|mimir|/api/v1/otlp", address)
    return exporter.type in _TRANSLATING or bool(to_otlp)


def _differences(route: Route) -> Iterator[Finding]:
    for index, step in enumerate(route.steps):
        delta = step.type in _DELTA or (
            step.type == "span_metrics" and "DELTA" in step.text("aggregation_temporality")
        )
        onward = route.steps[index:]
        if delta and all(each.type != "delta_to_cumulative" for each in onward):
            yield error(
                step.place,
                f"its sums are differences, which {route.steps[-1].id} does not take",
                f"put delta_to_cumulative among the processors of {route.pipeline.name}",
            )


def _of_statsd(receiver: Component) -> Iterator[Finding]:
    for mapping in items(at(receiver.place, _STATSD)):
        if text(mapping, "observer_type") != "histogram":
            continue
        explicit = items(at(mapping, "histogram", "explicit_buckets"))
        bare = [name for name in _HISTOGRAMS if _edges(explicit, name) is None]
        if bare:
            yield error(
                mapping, f"{bare[0]} becomes a native histogram, without a series that ends in "
                "_bucket: rules and panels see nothing of it",
                "add histogram.explicit_buckets with a matcher_pattern for it, or for .*",
            )  # fmt: skip
        elif text(mapping, "statsd_type") != "timing":
            yield from _without_edges(mapping, explicit)


def _without_edges(mapping: Located, explicit: list[Located]) -> Iterator[Finding]:
    for name, metric in _HISTOGRAMS.items():
        missing = sorted(set(metric.edges) - set(_edges(explicit, name) or ()))
        if missing:
            yield warning(
                mapping, f"{name} has no bucket up to {missing[0]:g}, where the SDK's has one",
                f"give it the edges {', '.join(f'{edge:g}' for edge in metric.edges)}",
            )  # fmt: skip
            return


def _edges(explicit: list[Located], name: str) -> list[float] | None:
    """
    The edges that a name gets, None where no pattern matches it.
    """
    for each in explicit:
        try:
            matches = re.search(text(each, "matcher_pattern"), name)
        except re.error:  # Go's syntax has a few things that Python's has not
            continue
        if matches:
            values = [edge.value for edge in items(at(each, "buckets"))]
            return [float(value) for value in values if isinstance(value, int | float)]
    return None


def _exponential(step: Component) -> Iterator[Finding]:
    if step.type == "span_metrics":
        found = at(step.place, "histogram", "exponential")
        if found is not None:
            yield warning(
                found, "span metrics become native histograms, without series that end in _bucket",
                "use histogram.explicit, or ask for them with histogram_quantile() alone",
            )  # fmt: skip
    if step.type == "signal_to_metrics":
        for signal in ("spans", "datapoints", "logs"):
            for metric in items(at(step.place, signal)):
                found = at(metric, "exponential_histogram")
                if found is not None and text(metric, "name") in _HISTOGRAMS:
                    yield error(
                        found, f"{text(metric, 'name')} becomes a native histogram",
                        "use histogram with buckets",
                    )  # fmt: skip


def _translated(exporter: Component) -> Iterator[Finding]:
    strategy = at(exporter.place, "translation_strategy")
    if strategy is not None and strategy.text != _STRATEGY:
        yield error(
            strategy, "rules and panels ask for other names", f"use {_STRATEGY}, or nothing"
        )
    suffixes = at(exporter.place, "add_metric_suffixes")
    if suffixes is not None and suffixes.value is False:
        yield error(
            suffixes, "names lose _total, _seconds and _ratio, by which rules ask for them",
            "leave it out",
        )  # fmt: skip
    namespace = at(exporter.place, "namespace")
    if namespace is not None and namespace.text:
        yield error(
            namespace, f"every name begins with {namespace.text}_, and no rule finds it",
            "leave it out; use const_labels or external_labels instead",
        )  # fmt: skip
    if text(exporter.place, "resource_to_telemetry_conversion", "enabled") != "true":
        yield warning(
            exporter.place, f"series lack the labels of their resource, such as {PROMOTED[0]}",
            "add resource_to_telemetry_conversion: {enabled: true}",
        )  # fmt: skip


def _identity(processor: Component) -> Iterator[Finding]:
    """
    Resource attributes become labels; without them, series of two processes are one.
    """
    if processor.type == "resource":
        for each in items(at(processor.place, "attributes")):
            if text(each, "action") == "delete" and text(each, "key") in PROMOTED:
                yield warning(each, f"series lose the label made of {text(each, 'key')}", "keep it")
    if processor.type == "resource_detection" and text(processor.place, "override") != "false":
        detectors = [each.text for each in items(at(processor.place, "detectors"))]
        if set(detectors) - {"env"}:
            yield warning(
                processor.place, "it puts this host in the place of the sender's",
                "add override: false",
            )  # fmt: skip


def _unreadable(processor: Component, given: str) -> Iterator[Finding]:
    """
    A Collector that cannot read what its environment says of it does not start.
    """
    if processor.type != "resource_detection" or not given:
        return
    detectors = at(processor.place, "detectors")
    if "env" in [each.text for each in items(detectors)] and not _PAIRS.fullmatch(given):
        yield error(
            detectors or processor.place,
            f"it cannot read OTEL_RESOURCE_ATTRIBUTES and does not start: {given!r}",
            "write name=value, with commas between and % as %25",
        )


def _own(processors: list[Component], given: str) -> Iterator[Finding]:
    """
    A gateway must not tell itself apart: agents give a series to one of them now, then to another.
    """
    if all(each.type != "tail_sampling" for each in processors):
        return
    for processor in processors:
        if processor.type == "resource_detection":
            yield from _told_apart(processor, given)


def _told_apart(processor: Component, given: str) -> Iterator[Finding]:
    detectors = at(processor.place, "detectors")
    names = {pair.partition("=")[0].strip() for pair in given.split(",")}
    told = [name for name in _OF_ONE if name in names]
    twice = "behind an agent a series comes by every gateway and counts once for each"
    if "env" in [each.text for each in items(detectors)] and told:
        yield warning(
            detectors or processor.place, f"it gives its own {told[0]} to what has none: {twice}",
            f"take {told[0]} out of OTEL_RESOURCE_ATTRIBUTES: agents and senders say it",
        )  # fmt: skip
    elif any(each.text != "env" for each in items(detectors)):
        yield warning(
            detectors or processor.place, f"it gives its own host to what has none: {twice}",
            "leave detectors: [env], and let agents and senders say where they are",
        )  # fmt: skip
