"""
This module compares the OpenTelemetry packages with each other and with what the library needs.
"""

import re
from collections.abc import Mapping
from importlib.metadata import distributions, requires
from typing import Final

from otel_confidence.doctor.checks import Cause, Check

_OURS: Final = "otel-confidence"
_API: Final = "opentelemetry-api"
_OF_ONE_RELEASE: Final = (
    "opentelemetry-sdk",
    "opentelemetry-proto",
    "opentelemetry-semantic-conventions",
    "opentelemetry-exporter-otlp-proto-common",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-exporter-prometheus",
    "opentelemetry-instrumentation",
)
"""Packages that are released together with the API."""
_BETA_AHEAD: Final = 21
"""Packages in beta are at 0.66 when the others are at 1.45."""
_NUMBER: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_NEED: Final = re.compile(r"([A-Za-z0-9._-]+)\s*>=\s*([0-9.]+)")


def look(installed: Mapping[str, str] | None = None) -> Check:
    """
    Whether the packages are new enough and of one release.

    Args:
        installed: version by package; what is installed if not given.
    """
    found = _installed() if installed is None else installed
    needs = _needs()
    old = {n: needs[n] for n in found.keys() & needs.keys() if _parts(found[n]) < _parts(needs[n])}
    if old:
        name = min(old)
        aged = Cause(
            f"{name} is {found[name]}, older than {old[name]}",
            f"pip install --upgrade '{name}>={old[name]}'",
        )
        return Check.failing("libraries", "OpenTelemetry", aged)
    release = _release(found.get(_API, "0.0"))
    others = sorted(name for name, number in found.items() if _release(number) != release)
    if others:
        unlike = Cause(
            f"{_API} is {found[_API]}, but {others[0]} is {found[others[0]]}: not of one release",
            f"pip install --upgrade {_API} {' '.join(others)}",
        )
        return Check.doubtful("libraries", "OpenTelemetry", unlike)
    return Check("libraries", "OpenTelemetry", "ok", found[_API])


def _installed() -> dict[str, str]:
    wanted = (_API, *_OF_ONE_RELEASE)
    return {d.name: d.version for name in wanted for d in distributions(name=name)}


def _needs() -> dict[str, str]:
    """
    The least versions that the library itself declares, of packages that it always needs.
    """
    declared = [text for text in requires(_OURS) or () if "extra" not in text]
    return {need[1]: need[2] for text in declared if (need := _NEED.match(text))}


def _parts(number: str) -> tuple[int, ...]:
    found = _NUMBER.match(number)
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def _release(number: str) -> tuple[int, int]:
    """
    The release a package is of, by the number of those that are stable.
    """
    major, minor, _ = _parts(number)
    return (1, minor - _BETA_AHEAD) if major == 0 else (major, minor)
