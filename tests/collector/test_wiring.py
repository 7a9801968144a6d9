"""
This module checks that what pipelines name is checked to be there, and used.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import GOOD, changed, faults, found


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            "[memory_limiter, redaction]", "[memory_limitr, redaction]",
            "error", "service.pipelines.traces.processors[0]",
            "'memory_limitr' is not configured under processors", id="a misspelled processor",
        ),
        pytest.param(
            "  health_check: {", "  zpages:\n  health_check: {",
            "warning", "extensions.zpages", "nothing uses it", id="an extension for nothing",
        ),
        pytest.param(
            "    logs:\n", "    events:\n",
            "error", "service.pipelines.events", "'events' is no signal", id="a foreign signal",
        ),
        pytest.param(
            "receivers: [otlp, statsd, span_metrics]", "receivers: [statsd, span_metrics]",
            "error", "service.pipelines", "no pipeline takes metrics by OTLP",
            id="metrics without OTLP",
        ),
        pytest.param(
            "exporters:\n  otlp", "exporters:\n  debug:\n  otlp",
            "warning", "exporters.debug", "nothing uses it", id="an exporter for nothing",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_wiring_is_told(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    What is named and is not there, or is there for nothing, is told with its place and a remedy.
    """
    assert [(level, path)] == faults(tmp_path, changed(old, new), message)


@pytest.mark.parametrize(
    ("old", "new", "room", "other"),
    [
        ("exporters: [span_metrics, forward]", "exporters: [span_metrics]", "receivers",
         "exporters"),
        ("receivers: [otlp, statsd, span_metrics]", "receivers: [otlp, statsd]", "exporters",
         "receivers"),
    ],
    ids=["nothing leads to it", "it leads nowhere"],
)  # fmt: skip
def test_half_a_connector_is_told_of(
    tmp_path: Path, old: str, new: str, room: str, other: str
) -> None:
    """
    A connector that only begins a pipeline, or only ends one, keeps the Collector from starting.
    """
    told = [f for f in found(tmp_path, changed(old, new)) if f"under no {other}" in f.message]

    assert [("error", room)] == [(f.level, f.path.rpartition(".")[2][: len(room)]) for f in told]


def test_a_list_of_an_overlay_replaces_the_whole(tmp_path: Path) -> None:
    """
    An overlay that names only its own extension takes away those that queues rest on.
    """
    overlay = "extensions: {zpages: }\nservice: {extensions: [zpages]}\n"
    told = [f.message for f in found(tmp_path, GOOD, overlay)]

    assert 3 == told.count("the extension 'file_storage' is not started")


def test_former_names_of_types_are_understood(tmp_path: Path) -> None:
    """
    The Collector still takes former names, and so does the check.
    """
    text = (
        GOOD.replace("otlp_http/", "otlphttp/").replace("otlp_grpc/", "otlp/")
        .replace("span_metrics", "spanmetrics").replace("delta_to_", "deltato")
    )  # fmt: skip

    assert [] == found(tmp_path, text)


def test_pipelines_in_a_circle_are_checked_to_their_end(tmp_path: Path) -> None:
    """
    Connectors that lead back do not keep the check from ending.
    """
    text = changed("exporters: [otlp_grpc/tempo]", "exporters: [otlp_grpc/tempo, forward]")

    assert [] == found(tmp_path, text)


def test_telemetry_that_only_a_log_sees_is_told(tmp_path: Path) -> None:
    """
    A pipeline that ends in the Collector's own log has an exporter and reaches no backend.
    """
    text = changed("exporters:\n  otlp", "exporters:\n  debug:\n  otlp").replace(
        "exporters: [otlp_http/loki]", "exporters: [debug]"
    )

    assert [("error", "service.pipelines")] == faults(
        tmp_path, text, "events that come in by OTLP reach no backend"
    )


def test_spans_that_are_only_counted_are_told(tmp_path: Path) -> None:
    """
    Metrics made of spans are no place where a trace is found again.
    """
    text = changed("exporters: [span_metrics, forward]", "exporters: [span_metrics]")

    assert [("error", "service.pipelines")] == faults(
        tmp_path, text, "spans that come in by OTLP reach no backend"
    )
