"""This module lets the doctor look at the stack's own programs, well and ill."""

from collections.abc import Iterator

import pytest
from tests.running import until
from tests.stack import world
from tools.stack import Stack
from tools.stack.__main__ import doctor
from tools.stack.plan import COMPOSE, Wishes

from otel_confidence.doctor import scrapes
from otel_confidence.doctor.checks import Check
from otel_confidence.doctor.doors import Door
from otel_confidence.doctor.services import Addresses
from otel_confidence.doctor.stack import Pace, examine

FLAGS = {
    # Alerts that fire before Prometheus knows its Alertmanager are told again after this time.
    "prometheus": {"+--rules.alert.resend-delay": "1s"},
}
OVERRIDES = {
    "otel-gateway": {"/etc/otelcol/gateway.yaml": {"processors.tail_sampling.decision_wait": "1s"}},
    "prometheus": {"/etc/prometheus/rules/otel_confidence.yml": {"groups.*.interval": "1s"}},
}
PLACES = {
    "metric": ["taken by the gateway", "sent on by the gateway", "in Prometheus"],
    "trace": ["taken by the gateway", "sent on by the gateway", "in Tempo"],
    "event": ["taken by the gateway", "sent on by the gateway", "in Loki"],
    "alert": [
        "its rule is loaded by Prometheus", "Watchdog fires", "Prometheus knows an Alertmanager",
        "in Alertmanager",
    ],
}  # fmt: skip
pytestmark = pytest.mark.xdist_group("doctor")


@pytest.fixture(name="stack", scope="module")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    world.required()
    wishes = Wishes(files=[COMPOSE], overrides=OVERRIDES, flags=FLAGS, stand_ins=True)
    with Stack.started(tmp_path_factory.mktemp("stack"), wishes, check=False) as stack:
        yield stack


def look(stack: Stack) -> list[Check]:
    """What the doctor finds by the command that ``make stack`` shows; Grafana is not here."""
    options = doctor(stack)[3:]
    given = {
        option[2:].replace("-", "_"): "" if url == "none" else url
        for option, url in zip(options[::2], options[1::2], strict=True)
    }
    addresses = Addresses(**given)  # type: ignore[arg-type]  # none of the options is a header
    return list(examine(addresses, pace=Pace(240.0)))


def test_a_probe_is_found_everywhere(stack: Stack) -> None:
    """
    A metric, a trace, an event and an alert are followed through the real programs to their ends.
    """
    # Whatever was scraped while it did not run answers the next time.
    prometheus = Door(stack.url("prometheus", 9090), {})
    until(lambda: scrapes.look(prometheus).status == "ok")

    found = look(stack)

    assert [("Grafana", "skipped")] == [(c.subject, c.status) for c in found if c.status != "ok"]
    assert PLACES == {
        subject: [check.place for check in found if check.subject == subject] for subject in PLACES
    }


def test_a_backend_that_refuses_is_where_it_is_missing(stack: Stack) -> None:
    """
    What Loki refuses for good is missing behind the gateway, and what is meant for others arrives.
    """
    stack.answer("loki", 400)
    try:
        found = look(stack)
    finally:
        stack.answer("loki", None)

    [failed] = [check for check in found if check.status == "failed"]
    assert ("event", "sent on by the gateway") == (failed.subject, failed.place)
    assert failed.found.startswith("otlp_http/loki gave up on 1")


def test_a_backend_that_is_down_is_where_it_is_missing(stack: Stack) -> None:
    """
    What Tempo cannot take yet waits in the gateway's queue, which is said with the reason.
    """
    stack.stop("tempo")
    try:
        found = look(stack)
    finally:
        stack.restart("tempo")

    down, waiting = [check for check in found if check.status == "failed"]
    assert ("Tempo", "answers") == (down.subject, down.place)
    assert ("trace", "sent on by the gateway") == (waiting.subject, waiting.place)
    assert waiting.found.startswith("1 wait in the queue of otlp_grpc/tempo: http://")
    assert "connection refused" in waiting.found
