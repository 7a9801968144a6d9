"""
This module looks for a probe in Prometheus, Tempo and Loki, and asks those that lack it why.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from otel_confidence import conventions as c
from otel_confidence.doctor.checks import SKEW_S, Cause, skew_text
from otel_confidence.doctor.doors import Door, excerpt, shown
from otel_confidence.doctor.probes import Probe
from otel_confidence.errors import QueryError
from otel_confidence.query.prometheus import PrometheusClient

_METRIC: Final = c.DOCTOR_PROBE_TIME
_OTHERWISE: Final = re.sub(r"[._]", ".", _METRIC.name)
"""A pattern of every spelling of the gauge's name: a dot matches dots and underscores."""
_AROUND_S: Final = 60


class Backend(Protocol):
    """
    Where a signal is kept.
    """

    @property
    def name(self) -> str:
        """
        What people call it.
        """

    @property
    def door(self) -> Door:
        """
        Where it is asked.
        """

    def find(self, probe: Probe) -> str:
        """
        As what the probe is found; empty when it is not.
        """

    def why(self, probe: Probe) -> Cause | None:
        """
        Why it may lack the probe, as far as it tells.
        """


@dataclass(frozen=True, slots=True)
class Prometheus:
    """
    Looks for the gauge by PromQL.
    """

    door: Door
    client: PrometheusClient
    name: str = field(default="Prometheus", init=False)

    def find(self, probe: Probe) -> str:
        """
        The series whose value is the probe's.
        """
        return next(iter(self._found(probe, _METRIC.prometheus)), "")

    def why(self, probe: Probe) -> Cause | None:
        """
        It is another program, its door for OTLP is shut, its names are others, its clock differs.
        """
        return self._foreign(probe) or self._shut() or self._spelled(probe) or _clock(self.door)

    def _foreign(self, probe: Probe) -> Cause | None:
        try:
            self.client.query(_METRIC.prometheus, at=probe.time_s)
        except QueryError as error:
            return Cause(
                f"{shown(self.door.url)}: {excerpt(str(error))}",
                "name Prometheus's own address with --prometheus",
            )
        return None

    def _shut(self) -> Cause | None:
        flags = self.door.get("/api/v1/status/flags").json()
        told = flags.get("data") if isinstance(flags, dict) else None
        if not isinstance(told, dict) or told.get("web.enable-otlp-receiver") != "false":
            return None
        return Cause(
            f"{shown(self.door.url)} takes no OTLP: it answers 404 to the gateway",
            "start Prometheus with --web.enable-otlp-receiver, as docker-compose.yml does",
        )

    def _spelled(self, probe: Probe) -> Cause | None:
        found = next(iter(self._found(probe, f'{{__name__=~"{_OTHERWISE}.*"}}')), "")
        if not found:
            return None
        return Cause(
            f"it is there as {found} instead of {_METRIC.prometheus}: no rule or panel finds it",
            "set otlp.translation_strategy: UnderscoreEscapingWithSuffixes in prometheus.yml",
        )

    def _found(self, probe: Probe, selector: str) -> Iterator[str]:
        """
        Names of the series that have the probe's value, at its time, whatever its own clock says.
        """
        try:
            at = probe.time_s + _AROUND_S / 2
            answer = self.client.query(f"{selector}[{_AROUND_S}s]", at=at)
        except QueryError:
            # Why it does not answer is a check of its own.
            return
        for series in answer.series:
            if probe.time_s in series.values:
                yield dict(series.labels).get("__name__", "")


@dataclass(frozen=True, slots=True)
class Tempo:
    """
    Looks for the span by its trace.
    """

    door: Door
    name: str = field(default="Tempo", init=False)

    def find(self, probe: Probe) -> str:
        """
        The trace.
        """
        reply = self.door.get(f"/api/traces/{probe.trace_id}")
        found = reply.well and reply.json() is not None and c.DOCTOR_SPAN in reply.text
        return f"trace {probe.trace_id}" if found else ""

    def why(self, probe: Probe) -> Cause | None:  # noqa: ARG002  as the others are asked
        """
        Its clock differs.
        """
        return _clock(self.door)


@dataclass(frozen=True, slots=True)
class Loki:
    """
    Looks for the event by its trace id, which is structured metadata.
    """

    door: Door
    name: str = field(default="Loki", init=False)

    def find(self, probe: Probe) -> str:
        """
        The event.
        """
        labels = self._lines(probe, f' | trace_id="{probe.trace_id}"')
        event = next((found.get(c.EVENT_NAME.label, "") for found in labels), None)
        return event if event == c.DOCTOR_PROBE.name else ""

    def why(self, probe: Probe) -> Cause | None:
        """
        It takes or keeps no structured metadata, the event lost its name, or the clock differs.
        """
        return self._refusing() or self._bare(probe) or _clock(self.door)

    def _refusing(self) -> Cause | None:
        reply = self.door.get("/config")
        if not (reply.well and re.search(r"\ballow_structured_metadata: false\b", reply.text)):
            return None
        return Cause(
            f"{shown(self.door.url)} takes no structured metadata, and so no OTLP at all",
            "set limits_config.allow_structured_metadata: true in loki.yaml, with schema v13",
        )

    def _bare(self, probe: Probe) -> Cause | None:
        if self._lines(probe, f' | trace_id="{probe.trace_id}"'):
            return Cause(
                f"it is there, but without {c.EVENT_NAME.name}: nobody finds it by its name",
                "keep the attribute: see transform/event_name in collector/gateway.yaml, and "
                "otlp_config in loki.yaml",
            )
        if not self._lines(probe, f' |= "{c.DOCTOR_PROBE.about}" | trace_id=""'):
            return None
        return Cause(
            "a probe's line is there, but without its attributes",
            "let the gateway send to Loki's /otlp, with allow_structured_metadata in loki.yaml",
        )

    def _lines(self, probe: Probe, condition: str) -> list[dict[str, str]]:
        """
        The labels and structured metadata of the lines from about when the probe was made.
        """
        around = {"start": probe.time_s - _AROUND_S, "end": probe.time_s + _AROUND_S}
        reply = self.door.get(
            "/loki/api/v1/query_range",
            query=f'{{service_name="{c.DOCTOR_SERVICE}"}}{condition}', limit="10",
            **{name: f"{moment * 1e9:.0f}" for name, moment in around.items()},
        )  # fmt: skip
        return _streams(reply.json()) if reply.well else []


def _streams(answer: Any) -> list[dict[str, str]]:
    try:
        return [dict(found["stream"]) for found in answer["data"]["result"]]
    except (KeyError, TypeError, ValueError):
        return []


def _clock(door: Door) -> Cause | None:
    skew_s = door.get("/ready").skew_s
    if skew_s is None or abs(skew_s) <= SKEW_S:
        return None
    return Cause(
        f"{skew_text(skew_s)}: what is too old or too new is refused", "set both clocks by NTP"
    )
