"""
This module checks that what is done to telemetry is checked to be done, and in the right order.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import changed, faults


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            "[memory_limiter, transform, redaction]", "[transform, redaction]",
            "error", "service.pipelines.logs", "it has no memory limiter",
            id="no memory limiter",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[transform, memory_limiter, redaction]",
            "error", "service.pipelines.logs.processors[1]",
            "it refuses only after transform has taken memory", id="a late memory limiter",
        ),
        pytest.param(
            "exporters: [otlp_grpc/tempo]", "exporters: [otlp_grpc/tempo, span_metrics]",
            "error", "connectors.span_metrics", "it counts only the spans that tail_sampling left",
            id="span metrics after sampling",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[memory_limiter, transform]",
            "warning", "service.pipelines.logs", "logs reach otlp_http/loki unredacted",
            id="events unredacted",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[memory_limiter, redaction]",
            "warning", "service.pipelines.logs", "Loki drops the names of events",
            id="event names lost",
        ),
        pytest.param(
            "redaction: {allow_all_keys: true}", "redaction: {allowed_keys: [ml.model.name]}",
            "error", "processors.redaction", "it takes event.name away",
            id="redaction takes event names",
        ),
        pytest.param(
            '      - set(log.attributes["event.name"], log.event_name)',
            '      - set(log.attributes["event.name"], log.event_name)\n'
            '      - delete_key(log.attributes, "event.name")',
            "error", "processors.transform.log_statements[1]", "it takes event.name away",
            id="a transform takes event names",
        ),
        pytest.param(
            "[env], override: false", "[system], timeout: 2s",
            "warning", "processors.resource_detection",
            "it puts this host in the place of the sender's", id="the gateway's own host",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_order_is_told(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    What comes too late, or not at all, is told with its place and a remedy.
    """
    assert [(level, path)] == faults(tmp_path, changed(old, new), message)
