"""
This module checks that what pipelines name is configured, and that what the SDK sends comes in.
"""

import difflib
from collections.abc import Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import at
from otel_confidence.collector.pipelines import ROOMS, SIGNALS, Configuration
from otel_confidence.located import Located

_OF_THE_SDK: Final = {"metrics": "metrics", "traces": "spans", "logs": "events"}
_NOWHERE: Final = ("debug", "nop")


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Names without a component, components without a name, signals without a door.
    """
    if not whole.pipelines:
        place = at(whole.root, "service") or whole.root
        yield error(place, "there is no pipeline", "list pipelines under service.pipelines")
        return
    for pipeline in whole.pipelines:
        if pipeline.signal not in SIGNALS:
            expected = ", ".join(SIGNALS)
            yield error(
                pipeline.place, f"{pipeline.signal!r} is no signal", f"begin with {expected}"
            )
        for room in ROOMS:
            if room != "processors" and not pipeline.named(room):
                yield error(pipeline.place, f"it has no {room}", f"name some under {room}")
            for name in pipeline.named(room):
                yield from _named(whole, room, name)
    for name in whole.extensions():
        if name.text not in whole.configured("extensions"):
            yield _unknown(name, "extensions", list(whole.configured("extensions")))
    yield from _unused(whole)
    yield from _halves(whole)
    yield from _extensions(whole)
    yield from _own_metrics(whole)
    yield from _doors(whole)


def _named(whole: Configuration, room: str, name: Located) -> Iterator[Finding]:
    if whole.find(room, name) is None:
        known = [*whole.configured(room)]
        if room != "processors":
            known += whole.configured("connectors")
        yield _unknown(name, room, known)


def _unknown(name: Located, room: str, known: list[str]) -> Finding:
    near = difflib.get_close_matches(name.text, known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"configured are {', '.join(known) or 'none'}"
    return error(name, f"{name.text!r} is not configured under {room}", meant)


def _unused(whole: Configuration) -> Iterator[Finding]:
    started = {name.text for name in whole.extensions()}
    for room in (*ROOMS, "connectors", "extensions"):
        used = started if room == "extensions" else {each.id for each in whole.used(room)}
        if room == "connectors":  # one that is named on its other side alone is an error
            used |= {name.text for each in whole.pipelines for name in each.named("receivers")}
        for name, place in whole.configured(room).items():
            if name not in used:
                yield warning(place, "nothing uses it", "name it under service, or leave it out")


def _halves(whole: Configuration) -> Iterator[Finding]:
    """
    A connector leads from a pipeline to another; named in one alone, nothing starts.
    """
    for connector in whole.configured("connectors"):
        named = {
            room: [n for each in whole.pipelines for n in each.named(room) if n.text == connector]
            for room in ("receivers", "exporters")
        }
        for room, other in (("receivers", "exporters"), ("exporters", "receivers")):
            if named[room] and not named[other]:
                yield error(
                    named[room][0], f"{connector!r} is under no {other}: the Collector does not "
                    "start", f"name it under {other} too; a later file replaces lists as a whole",
                )  # fmt: skip


def _extensions(whole: Configuration) -> Iterator[Finding]:
    """
    Queues and doors may rest on an extension, which has to be started.
    """
    started = {name.text for name in whole.extensions()}
    wanted = [
        at(each.place, *keys)
        for room in ("receivers", "exporters")
        for each in whole.used(room)
        for keys in (
            ("sending_queue", "storage"),
            ("storage",),
            ("auth", "authenticator"),
            ("protocols", "grpc", "auth", "authenticator"),
            ("protocols", "http", "auth", "authenticator"),
        )
    ]
    for place in wanted:
        if place is not None and place.text and place.text not in started:
            yield error(
                place, f"the extension {place.text!r} is not started",
                "add it to service.extensions; a later file replaces that list as a whole",
            )  # fmt: skip


def _own_metrics(whole: Configuration) -> Iterator[Finding]:
    former = at(whole.root, "service", "telemetry", "metrics", "address")
    if former is not None:
        yield warning(
            former, "the Collector no longer looks at it",
            "use readers: [{pull: {exporter: {prometheus: {host: …, port: …}}}}]",
        )  # fmt: skip


def _doors(whole: Configuration) -> Iterator[Finding]:
    """
    The SDK sends OTLP: each of its signals needs a pipeline with an OTLP receiver.
    """
    entered = {
        pipeline.signal
        for pipeline in whole.pipelines
        for name in pipeline.named("receivers")
        if (found := whole.find("receivers", name)) is not None and found.type == "otlp"
    }
    place = at(whole.root, "service", "pipelines") or whole.root
    for signal, what in _OF_THE_SDK.items():
        if signal not in entered:
            yield error(
                place, f"no pipeline takes {what} by OTLP",
                f"give a {signal} pipeline the receiver otlp",
            )  # fmt: skip
    reached = {
        route.signal
        for route in whole.routes()
        if route.steps[0].type == "otlp" and route.steps[-1].type not in _NOWHERE
    }
    for signal in sorted(entered & {*_OF_THE_SDK} - reached):
        yield error(
            place, f"{_OF_THE_SDK[signal]} that come in by OTLP reach no backend",
            "name an exporter to one in their pipeline; a later file replaces lists as a whole",
        )  # fmt: skip
    for receiver in whole.used("receivers"):
        if receiver.type == "otlp" and at(receiver.place, "protocols") is None:
            yield error(receiver.place, "it has no protocol", "add protocols: {grpc:, http:}")
