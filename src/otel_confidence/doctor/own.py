"""
This module looks at the user's own side: settings, libraries, where telemetry goes, clock, disk.
"""

import difflib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from opentelemetry import metrics, trace

from otel_confidence.doctor import endpoints, libraries
from otel_confidence.doctor.checks import SKEW_S, Cause, Check, skew_text
from otel_confidence.doctor.doors import Door, shown
from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk import exporters
from otel_confidence.settings import PREFIX, Settings

_SPEAKERS: Final = (
    "GATEWAY", "GATEWAY_HEALTH", "GATEWAY_METRICS", "PROMETHEUS", "TEMPO", "LOKI", "ALERTMANAGER",
    "GRAFANA", "STORE", "OBJECTIVES", "NOTIFY", "TOOLS",
)  # fmt: skip
"""Variables of the command line and of the tests, which are no settings."""
_FOLDED_FROM: Final = 2000
"""Attribute combinations of one counter from which on OpenTelemetry folds them itself."""
_MEGABYTE: Final = 1_000_000
_FULL_MB: Final = 100
_NEARLY_FULL_MB: Final = 1000
_TEMPORALITY: Final = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def examine(
    data: Path,
    url: str,
    *,
    now: Callable[[], float] = time.time,
    free_bytes: Callable[[Path], int] = _free_bytes,
) -> Iterator[Check]:
    """
    Every check of the user's own side, as soon as it is made.

    Args:
        data: the folder of ``otel-confidence up``.
        url: its address.
        now: the clock that others are compared with.
        free_bytes: how much room the disk of a folder has.
    """
    yield _settings(os.environ)
    yield _variables(os.environ)
    yield libraries.look()
    yield _providers()
    exporting = _exporting(os.environ)
    yield exporting
    if exporting.status != "failed":
        yield from _doors(now)
    yield _up(url)
    yield _disk(data, free_bytes)


def _doors(now: Callable[[], float]) -> Iterator[Check]:
    """
    Whether each signal is taken where it goes, and whether the clocks there agree with this one.
    """
    places: set[str] = set()
    silent: dict[str, Cause] = {}
    for signal in endpoints.SIGNALS:
        if "otlp" in exporters.names(signal):
            check, endpoint = endpoints.knock(signal, silent)
            places.add(endpoints.root(endpoint))
            yield check
    yield from (_clock(place, now) for place in sorted(places))


def _settings(environ: Mapping[str, str]) -> Check:
    try:
        settings = Settings.read(environ)
    except ConfigurationError as error:
        wrong = Cause(str(error), "change or unset the variable; see docs/reference/api.md")
        return Check.failing("settings", "are right", wrong)
    if settings.max_series >= _FOLDED_FROM:
        folded = Cause(
            f"max_series is {settings.max_series}: OpenTelemetry folds from {_FOLDED_FROM} on, "
            "and the counters of calibration are no longer exact",
            f"lower {PREFIX}MAX_SERIES",
        )
        return Check.doubtful("settings", "are right", folded)
    given = sum(f"{PREFIX}{field.name.upper()}" in environ for field in fields(Settings))
    return Check("settings", "are right", "ok", f"{given} given" if given else "the defaults")


def _variables(environ: Mapping[str, str]) -> Check:
    known = [field.name.upper() for field in fields(Settings)] + list(_SPEAKERS)
    names = sorted(n for n in environ if n.startswith(PREFIX))
    unknown = [name for name in names if name.removeprefix(PREFIX) not in known]
    if not unknown:
        return Check("settings", "are known", "ok", "no variable is misspelled")
    near = difflib.get_close_matches(unknown[0].removeprefix(PREFIX), known, n=1)
    astray = Cause(
        f"nothing reads {unknown[0]}",
        f"is {PREFIX}{near[0]} meant?" if near else "unset it; see docs/reference/api.md",
    )
    return Check.doubtful("settings", "are known", astray)


def _providers() -> Check:
    found: tuple[Any, ...] = (metrics.get_meter_provider(), trace.get_tracer_provider())
    theirs = [p for p in found if type(p).__module__.startswith("opentelemetry.sdk")]
    if not theirs:
        return Check("providers", "are set", "ok", "none yet: configure() makes them")
    return Check(
        "providers", "are set", "ok",
        "already in this process, as by opentelemetry-instrument: configure() uses them, with "
        "their service name",
    )  # fmt: skip


def _exporting(environ: Mapping[str, str]) -> Check:
    subject, place = "exporters", "are chosen"
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        off = Cause("OTEL_SDK_DISABLED is true: nothing is recorded", "unset it")
        return Check.failing(subject, place, off)
    try:
        exporters.check()
        chosen = {signal: exporters.names(signal) for signal in endpoints.SIGNALS}
    except ConfigurationError as error:
        return Check.failing(subject, place, Cause(str(error), "change the variable it names"))
    mute = [signal for signal, names in chosen.items() if not names]
    if mute:
        remedy = f"unset OTEL_{mute[0].upper()}_EXPORTER to send them"
        return Check.doubtful(subject, place, Cause(f"no {' and no '.join(mute)} are sent", remedy))
    if environ.get(_TEMPORALITY, "").strip().lower() not in {"", "cumulative"}:
        delta = Cause(
            f"{_TEMPORALITY} is {environ[_TEMPORALITY]!r}: Prometheus takes cumulative totals only",
            "unset it, or let a Collector's delta_to_cumulative stand in between",
        )
        return Check.doubtful(subject, place, delta)
    told = ", ".join(f"{signal} by {'+'.join(names)}" for signal, names in chosen.items())
    return Check(subject, place, "ok", told)


def _clock(place: str, now: Callable[[], float]) -> Check:
    question = f"agrees with {shown(place)}"
    reply = Door(place, {}, now=now).get("/")
    if reply.skew_s is None:
        return Check("clock", question, "skipped", reply.unreachable or "it tells no time")
    if abs(reply.skew_s) <= SKEW_S:
        return Check("clock", question, "ok", f"within {SKEW_S:g} s")
    late = Cause(skew_text(reply.skew_s), "keep both by NTP: what is too old or too new is refused")
    return Check.doubtful("clock", question, late)


def _up(url: str) -> Check:
    if Door(url, {}).get("/-/ready").well:
        return Check("up", "serves", "ok", shown(url))
    return Check("up", "serves", "skipped", f"not at {shown(url)}; otel-confidence up starts it")


def _disk(data: Path, free_bytes: Callable[[Path], int]) -> Check:
    folder = next(path for path in (data.absolute(), *data.absolute().parents) if path.exists())
    free_mb = free_bytes(folder) / _MEGABYTE
    if free_mb >= _NEARLY_FULL_MB:
        return Check("disk", "has room for up", "ok", f"{free_mb / 1000:,.0f} GB free")
    little = Cause(
        f"{free_mb:,.0f} MB free for {folder}",
        "make room, name another folder with --data, or bound it with up --retention-size",
    )
    failing = free_mb < _FULL_MB
    return (Check.failing if failing else Check.doubtful)("disk", "has room for up", little)
