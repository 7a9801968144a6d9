"""This module checks what of a program's events comes to Loki's door."""

from collections import Counter
from typing import Any

import pytest
from tests.stack import shop
from tests.stack.world import until
from tools.stack import Stack
from tools.stack.recorded import Item

pytestmark = pytest.mark.xdist_group("stack")
PREDICTIONS = len(shop.CONFIDENCES) * shop.EACH
COUNTS = {
    # of glyphs, slow, sure and faulty; failed calls predict nothing
    "ml.prediction.result": PREDICTIONS + 1 + shop.CONFIDENT + 1,
    "ml.prediction.low_confidence": 2 * shop.EACH,
    "ml.prediction.outcome": PREDICTIONS,
    "ml.prediction.feedback": PREDICTIONS,
    "ml.optimization.result": 1,
    "ml.data_quality.violation": 1,
    "shop.payment.declined": 1,
}


@pytest.fixture(scope="module")
def events(stack: Stack, recorded: dict[str, Any]) -> list[Item]:  # noqa: ARG001  sent by then
    """The shop's events at Loki's door, once there are as many as it said."""

    def complete() -> list[Item]:
        found = stack.recorded("loki").events("shop")
        return found if len(found) >= sum(COUNTS.values()) else []

    return until(complete)


def test_every_event_arrives_once(events: list[Item]) -> None:
    """
    As many events of each kind arrive as the program recorded.
    """
    assert COUNTS == Counter(event.message.event_name for event in events)


def test_events_have_their_name_twice(events: list[Item]) -> None:
    """
    The name stands on the record and, for Loki, which drops that, in an attribute.
    """
    assert [e.message.event_name for e in events] == [e.attributes["event.name"] for e in events]


def test_events_have_their_attributes_and_trace(
    events: list[Item], recorded: dict[str, Any]
) -> None:
    """
    The event of an unsure prediction says all about it, in its trace, as a warning.
    """
    one = next(e for e in events if e.message.event_name == "ml.prediction.low_confidence")

    assert one.message.trace_id.hex() in recorded["traces"]["0.65"]
    assert ("WARN", "A prediction below its threshold.") == (
        one.message.severity_text, one.message.body.string_value
    )  # fmt: skip
    assert {"event.name": "ml.prediction.low_confidence", **shop.UNSURE} == (
        one.attributes | shop.VARYING
    )


def test_comments_are_redacted_before_they_leave(events: list[Item]) -> None:
    """
    What people wrote has lost its personal data in the program itself.
    """
    comments = {e.attributes.get("ml.feedback.comment") for e in events} - {None}

    assert {"write to [redacted:email]"} == comments


def test_what_the_application_logged_is_redacted(events: list[Item]) -> None:
    """
    Secrets that the application logged by itself are masked in text and attributes.
    """
    (declined,) = (e for e in events if e.message.event_name == "shop.payment.declined")

    assert "payment of **** with**** declined" == declined.message.body.string_value
    assert ("****", "****", "kept") == tuple(
        declined.attributes[name] for name in ("user.password", "jwt", "plain")
    )


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("secret", [shop.EMAIL, shop.CARD, shop.TOKEN, shop.PASSWORD])
def test_no_secret_passes(stack: Stack, secret: str) -> None:
    """
    No byte that reached Loki's door holds a secret.
    """
    requests = stack.recorded("loki").requests("logs")

    assert not any(secret.encode() in request.SerializeToString() for request in requests)
