"""This module checks which traces come to Tempo's door, and with what."""

from collections import Counter
from typing import Any

import pytest
from tests.stack import shop
from tests.stack.world import until
from tools.stack import Stack
from tools.stack.recorded import Item

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="module")
def spans(stack: Stack, recorded: dict[str, Any]) -> list[Item]:
    """The shop's spans at Tempo's door, once all that must be kept are there."""
    wanted = {*unsure(recorded), *recorded["failed"], *recorded["slow"]}

    def complete() -> list[Item]:
        found = stack.recorded("tempo").spans("shop")
        whole = {trace for trace, count in Counter(map(trace_of, found)).items() if count > 1}
        last = any(span.message.name == "pay" for span in found)
        return found if last and wanted <= whole else []

    return until(complete)


def unsure(recorded: dict[str, Any]) -> list[str]:
    return [*recorded["traces"]["0.65"], *recorded["traces"]["0.35"]]


def trace_of(item: Item) -> str:
    return str(item.message.trace_id.hex())


def test_predictions_arrive_with_their_attributes(spans: list[Item]) -> None:
    """
    The span of a prediction has everything that the program said about it, and its resource.
    """
    one = next(s for s in spans if s.attributes.get("ml.prediction.confidence") == 0.65)

    assert "predict glyphs" == one.message.name
    assert ("shop", "local") == (
        one.resource["service.name"], one.resource["deployment.environment.name"]
    )  # fmt: skip
    assert shop.UNSURE == one.attributes | shop.VARYING


def test_unsure_failed_and_slow_traces_are_all_kept(
    spans: list[Item], recorded: dict[str, Any]
) -> None:
    """
    Every trace with an unsure prediction, an error or a slow span is there, with all its spans.
    """
    counts = Counter(map(trace_of, spans))
    wanted = [*unsure(recorded), *recorded["failed"], *recorded["slow"]]

    assert dict.fromkeys(wanted, 2) == {trace: counts[trace] for trace in wanted}


def test_one_in_ten_of_the_others_is_kept(spans: list[Item], recorded: dict[str, Any]) -> None:
    """
    Of traces that nothing speaks for about a tenth is kept, each whole.
    """
    counts = Counter(map(trace_of, spans))
    kept = [counts[trace] for trace in recorded["confident"] if counts[trace]]

    # Of 200 at one in ten: fewer than 3 or more than 50 come about once in a million runs.
    assert 3 <= len(kept) <= 50
    assert {2} == set(kept)


def test_errors_are_said_without_secrets(spans: list[Item]) -> None:
    """
    A failed prediction has its error, and nothing of what the exception said.
    """
    failed = [s for s in spans if s.attributes.get("error.type") == "KeyError"]

    assert ["KeyError"] * 2 == [s.message.status.message for s in failed]


def test_what_the_application_wrote_is_redacted(spans: list[Item]) -> None:
    """
    Secrets that the application put on a span of its own are masked, also in its status.
    """
    (pay,) = (s for s in spans if s.message.name == "pay")

    assert {
        "user.password": "****", "card": "paid by****", "contact": "****", "jwt": "****",
    } == pay.attributes  # fmt: skip
    assert "declined for ****" == pay.message.status.message


@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("secret", [shop.EMAIL, shop.CARD, shop.TOKEN, shop.PASSWORD])
def test_no_secret_passes(stack: Stack, secret: str) -> None:
    """
    No byte that reached Tempo's door holds a secret.
    """
    requests = stack.recorded("tempo").requests("traces")

    assert not any(secret.encode() in request.SerializeToString() for request in requests)
