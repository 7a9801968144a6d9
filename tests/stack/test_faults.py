"""This module kills the Collector while what it took waits for backends that are away."""

from pathlib import Path
from typing import Final

import pytest
from tests.campaigns.stack_faults.world import GATEWAY, Setting, running
from tests.stack import world

pytestmark = pytest.mark.xdist_group("stack")

_QUICK: Final = {
    "exporters.*.sending_queue.batch.flush_timeout": "100ms",
    "+exporters.*.retry_on_failure.initial_interval": "200ms",
    "+exporters.*.retry_on_failure.max_interval": "1s",
}
_SENDING: Final = {
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    # A kill takes along the spans that wait for the sampling; the long campaign counts them.
    "OTEL_TRACES_EXPORTER": "none",
}


def test_a_killed_collector_loses_nothing_that_it_took(tmp_path: Path) -> None:
    """
    Points and events that wait when the Collector is killed are delivered by the next one.
    """
    world.required()
    setting = Setting(_QUICK, programs=1, variables=_SENDING, notified=False)
    with running("kill", tmp_path, setting) as run:
        run.stack.kill("prometheus")
        run.stack.answer("loki", 503)
        run.begin(before_s=0)
        world.until(lambda: run.watch.own[0].queues.get("otlp_http/loki"))
        world.until(lambda: run.watch.own[0].queues.get("otlp_http/prometheus"))
        run.stack.kill(GATEWAY)
        run.stack.answer("loki", None)
        run.stack.restart("prometheus")
        run.stack.restart(GATEWAY)
        told = run.end(spans_too=False)
        metrics, _, events = run.rows(told)

    assert told.flushed
    assert 0 == metrics.missing
    assert events.missing <= 0  # what was refused as the Collector died may have been stored
    assert events.stored
