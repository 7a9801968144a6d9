"""
This module checks that what a backend cannot take is checked to wait for it.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import PROMETHEUS, changed, faults, found


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("file_storage,", "file_storage/two,"),
            "error", "exporters.otlp_http/prometheus.sending_queue.storage",
            "the extension 'file_storage/two' is not started", id="a queue without its extension",
        ),
        pytest.param(
            PROMETHEUS,
            PROMETHEUS.replace("max_elapsed_time: 0s", "max_elapsed_time: 300s"),
            "warning", "exporters.otlp_http/prometheus.retry_on_failure.max_elapsed_time",
            "what it cannot deliver within 300s is lost", id="limited retry",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{max_elapsed_time: 0s}", "{initial_interval: 1s}"),
            "warning", "exporters.otlp_http/prometheus.retry_on_failure",
            "what it cannot deliver within five minutes is lost", id="retry as it comes",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{max_elapsed_time: 0s}", "{enabled: false}"),
            "warning", "exporters.otlp_http/prometheus.retry_on_failure",
            "what it cannot deliver at once is lost", id="no retry",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{storage: file_storage, batch: {}}", "{queue_size: 9}"),
            "warning", "exporters.otlp_http/prometheus.sending_queue",
            "what waits for the backend is forgotten at a restart", id="a queue in memory",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{storage: file_storage", "{enabled: false"),
            "warning", "exporters.otlp_http/prometheus.sending_queue",
            "it has no queue", id="no queue",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_delivery_is_told(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    What would be lost with a backend that is away is told with its place and a remedy.
    """
    assert [(level, path)] == faults(tmp_path, changed(old, new), message)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("", [("warning", "exporters.clickhouse")]),
        ("create_schema: ${env:MADE:-true}", [("warning", "exporters.clickhouse.create_schema")]),
        ("create_schema: ${env:MADE:-false}", []),
    ],
    ids=["by itself", "by a variable", "not"],
)
def test_a_store_that_keeps_the_collector_from_starting_is_told_of(
    tmp_path: Path, settings: str, told: list[tuple[str, str]]
) -> None:
    """
    ClickHouse's exporter needs ClickHouse to start when it is to make the tables.
    """
    clickhouse = f"""\
exporters:
  clickhouse:
    endpoint: tcp://clickhouse:9000
    {settings}
    retry_on_failure: {{max_elapsed_time: 0s}}
    sending_queue: {{storage: file_storage, batch: {{}}}}
"""
    text = changed("exporters:\n  otlp_http", f"{clickhouse}  otlp_http").replace(
        "exporters: [otlp_http/loki]", "exporters: [otlp_http/loki, clickhouse]"
    )

    assert told == faults(tmp_path, text, "does not start while ClickHouse is away")


@pytest.mark.parametrize(
    ("retry", "level", "message"),
    [
        ("{enabled: true, max_elapsed_time: 0s}", "error", "tries again without a pause"),
        ("{initial_interval: 5s}", "warning", "what no backend takes in time is lost"),
        ("{enabled: true, initial_interval: 5s, max_elapsed_time: 9s}", "warning", "is lost"),
    ],
    ids=["no pause", "not at all", "not for ever"],
)
def test_balancing_that_tries_again_badly_is_told_of(
    tmp_path: Path, retry: str, level: str, message: str
) -> None:
    """
    The balancing exporter has no times of its own to try again, as all others have.
    """
    text = changed("otlp_grpc/tempo", "load_balancing").replace(
        "endpoint: tempo:4317\n    retry_on_failure: {max_elapsed_time: 0s}",
        f"retry_on_failure: {retry}",
    )
    (told,) = found(tmp_path, text)

    assert (level, "exporters.load_balancing.retry_on_failure") == (told.level, told.path)
    assert message in told.message
