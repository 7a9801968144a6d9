"""This module checks what the doctor finds on the user's own side."""

import os
import time
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.sdk.collector import collector

from otel_confidence.doctor import libraries, own
from otel_confidence.doctor.checks import Check

ROOM = 10_000_000_000


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


def closed() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def look(data: Path, *, free: int = ROOM, ahead_s: float = 0.0) -> list[Check]:
    """Every check; nothing of up runs."""
    return list(
        own.examine(data, closed(), now=lambda: time.time() + ahead_s, free_bytes=lambda _: free)
    )


def test_a_side_that_is_right_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where telemetry is taken all checks are well, and an up that is not needed is only mentioned.
    """
    with collector() as taking:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)

        found = look(tmp_path / "data")

    assert [("up", "skipped")] == [(c.subject, c.status) for c in found if c.status != "ok"]
    assert ["metrics", "traces", "logs"] == [c.subject for c in found if c.place == "are taken"]


def test_looking_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is sent to try the door is empty.
    """
    with collector() as taking:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)

        look(tmp_path)

    assert ["/v1/metrics", "/v1/traces", "/v1/logs"] == [path for path, _ in taking.requests]
    assert [0, 0, 0] == [request.ByteSize() for _, request in taking.requests]


Place = tuple[str, str, str]
CASES: dict[str, tuple[dict[str, str], Place, str, str]] = {
    "a setting is out of range": (
        {"OTEL_CONFIDENCE_EVENT_SAMPLE_RATIO": "2"}, ("settings", "are right", "failed"),
        "event_sample_ratio must be", "docs/reference/api.md",
    ),
    "a table is larger than OpenTelemetry's": (
        {"OTEL_CONFIDENCE_MAX_SERIES": "5000"}, ("settings", "are right", "warning"),
        "folds from 2000 on", "OTEL_CONFIDENCE_MAX_SERIES",
    ),
    "a setting is misspelled": (
        {"OTEL_CONFIDENCE_RECIEPT_KEY": "k"}, ("settings", "are known", "warning"),
        "nothing reads OTEL_CONFIDENCE_RECIEPT_KEY", "OTEL_CONFIDENCE_RECEIPT_KEY meant?",
    ),
    "the SDK is switched off": (
        {"OTEL_SDK_DISABLED": "true"}, ("exporters", "are chosen", "failed"),
        "nothing is recorded", "unset it",
    ),
    "an exporter is not known": (
        {"OTEL_TRACES_EXPORTER": "zipkin"}, ("exporters", "are chosen", "failed"), "'zipkin'",
        "change the variable",
    ),
    "a signal is not sent": (
        {"OTEL_LOGS_EXPORTER": "none"}, ("exporters", "are chosen", "warning"), "no logs are sent",
        "unset OTEL_LOGS_EXPORTER",
    ),
    "totals are differences": (
        {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "DELTA"},
        ("exporters", "are chosen", "warning"), "cumulative totals only", "delta_to_cumulative",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_the_environment_says_wrongly_is_named(
    case: tuple[dict[str, str], Place, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A wrong or doubtful variable is named, with what would be right.
    """
    environ, where, why, remedy = case
    with collector() as taking:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

        wrong = [c for c in look(tmp_path) if c.status in {"failed", "warning"}]

    assert [where] == [(check.subject, check.place, check.status) for check in wrong]
    assert why in wrong[0].found
    assert remedy in wrong[0].remedy


DOORS = {
    "it asks for a token": (401, "answered 401", "OTEL_EXPORTER_OTLP_HEADERS"),
    "it may not be used": (403, "answered 403", "may not send"),
    "it is another door": (404, "answered 404", "without a path"),
    "it leads elsewhere": (302, "answered 302", "leads elsewhere"),
}


@pytest.mark.parametrize(("status", "why", "remedy"), DOORS.values(), ids=DOORS)
def test_a_door_that_takes_nothing_is_named(
    status: int, why: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An endpoint that refuses is named with its answer and what mends it.
    """
    with collector() as refusing:
        refusing.status = status
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", refusing.url)

        wrong = [check for check in look(tmp_path) if check.status == "failed"]

    assert ["metrics", "traces", "logs"] == [check.subject for check in wrong]
    assert why in wrong[0].found
    assert remedy in wrong[0].remedy


@pytest.mark.parametrize(
    ("protocol", "why"), [("http/protobuf", "(connection refused)"), ("grpc", "(unavailable)")]
)
def test_nobody_at_the_door_is_named(
    protocol: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where nobody listens, over either protocol, what starts a server is said at once.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", closed())

    wrong = [check for check in look(tmp_path) if check.status == "failed"]

    assert ["metrics", "traces", "logs"] == [check.subject for check in wrong]
    assert all(why in check.found for check in wrong)
    assert all("start otel-confidence up" in check.remedy for check in wrong)


def test_a_clock_that_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A clock that is far from that of the endpoint is told of.
    """
    with collector() as taking:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)

        [clock] = [c for c in look(tmp_path, ahead_s=900) if c.subject == "clock"]

    assert "warning" == clock.status
    assert "s behind this one" in clock.found
    assert "NTP" in clock.remedy


@pytest.mark.parametrize(
    ("free", "status"), [(ROOM, "ok"), (500_000_000, "warning"), (50_000_000, "failed")]
)
def test_a_full_disk_is_named(free: int, status: str, tmp_path: Path) -> None:
    """
    A disk with little room is doubtful, one with hardly any fails.
    """
    disk = look(tmp_path / "not" / "there", free=free)[-1]

    assert ("disk", status) == (disk.subject, disk.status)


API, SDK = "opentelemetry-api", "opentelemetry-sdk"
RELEASES = {
    "packages of one release": ({API: "1.45.2", SDK: "1.45.1"}, "ok", "1.45.2", ""),
    "a beta of the same release": (
        {API: "1.45.2", "opentelemetry-instrumentation": "0.66b1"}, "ok", "1.45.2", "",
    ),
    "a package of another release": (
        {API: "1.46.0", SDK: "1.45.2"}, "warning", "not of one release", "--upgrade",
    ),
    "a beta of another release": (
        {API: "1.46.0", "opentelemetry-exporter-prometheus": "0.66b2"}, "warning", "0.66b2",
        "opentelemetry-exporter-prometheus",
    ),
    "a package that is too old": (
        {API: "1.20.0", SDK: "1.20.0"}, "failed", "older than", "opentelemetry-api>=",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("installed", "status", "found", "remedy"), RELEASES.values(), ids=RELEASES
)
def test_packages_are_compared(
    installed: dict[str, str], status: str, found: str, remedy: str
) -> None:
    """
    OpenTelemetry's packages are to be new enough and of one release.
    """
    check = libraries.look(installed)

    assert status == check.status
    assert found in check.found
    assert remedy in check.remedy


def test_what_is_installed_is_right() -> None:
    """
    The packages of this environment are found.
    """
    check = libraries.look()

    assert ("ok", True) == (check.status, check.found[0].isdigit())
