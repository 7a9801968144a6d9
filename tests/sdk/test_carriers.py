"""This module checks how receipts travel: in headers, message attributes and baggage."""

from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.textmap import DefaultGetter, default_setter

import otel_confidence as oc
from otel_confidence.receipts import LIMIT
from otel_confidence.testing import Capture

NAME = "ml-prediction-receipt"


def _receipt(capture: Capture) -> str:
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5, label="a")
    return p.receipt


def test_receipt_travels_in_a_header(telemetry: Capture) -> None:
    """
    The receipt of the last call is put in, and found again, whatever became of the name's case.
    """
    receipt = _receipt(telemetry)
    headers: dict[str, str] = {"content-type": "text/plain"}
    oc.inject_receipt(headers)

    assert {"content-type": "text/plain", NAME: receipt} == headers
    assert receipt == oc.extract_receipt({"ML-Prediction-Receipt": receipt})


@pytest.mark.parametrize(
    "carried",
    [
        lambda text: [(b"host", b"x"), (NAME.encode(), text.encode())],
        lambda text: [("k", b"x"), (NAME, text.encode())],
        lambda text: {"HTTP_ML_PREDICTION_RECEIPT": text},
        lambda text: {NAME: {"DataType": "String", "StringValue": text}},
        lambda text: {NAME: ["not one!", text]},
        lambda text: {NAME: bytearray(text.encode())},
    ],
    ids=["asgi", "kafka", "wsgi", "sqs", "several", "bytes"],
)
def test_receipt_is_found_in_carriers_of_many_kinds(telemetry: Capture, carried: Any) -> None:
    """
    Frameworks and message brokers hold headers in their own ways.
    """
    receipt = _receipt(telemetry)

    assert receipt == oc.extract_receipt(carried(receipt))


@pytest.mark.parametrize("first", [[], [("k", b"v")], [(b"k", b"v")]], ids=["empty", "str", "raw"])
def test_receipt_is_added_to_pairs(telemetry: Capture, first: list[tuple[Any, bytes]]) -> None:
    """
    A list of headers gets one more, its name of the kind that the others have.
    """
    receipt = _receipt(telemetry)
    headers = list(first)
    oc.inject_receipt(headers, receipt)

    assert len(first) + 1 == len(headers)
    assert all(type(headers[0][0]) is type(name) for name, _ in headers)
    assert receipt == oc.extract_receipt(headers)


def test_instrumentations_bring_their_own_setters(telemetry: Capture) -> None:
    """
    OpenTelemetry's setters and getters reach carriers of any other kind.
    """
    receipt = _receipt(telemetry)
    carrier: dict[str, str] = {}
    oc.inject_receipt(carrier, receipt, setter=default_setter)

    assert receipt == oc.extract_receipt(carrier, getter=DefaultGetter())
    assert "" == oc.extract_receipt({}, getter=DefaultGetter())


def test_receipt_travels_in_baggage(telemetry: Capture) -> None:
    """
    Baggage brings the receipt to another service by OpenTelemetry's own header.
    """
    receipt = _receipt(telemetry)
    headers: dict[str, str] = {}
    W3CBaggagePropagator().inject(headers, oc.baggage_with_receipt())
    arrived = W3CBaggagePropagator().extract(headers)

    assert receipt == oc.receipt_from_baggage(arrived)
    assert "" == oc.receipt_from_baggage()


class _Hostile(dict[str, str]):
    def items(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize(
    "carrier",
    [
        None, 4, object(), "text", b"x", [1, 2], [("a",)], {NAME: None}, {NAME: "x" * (LIMIT + 1)},
        {NAME: "a b"}, {NAME: "a\r\nset-cookie: x"}, {NAME: "\ud800"}, {NAME: b"\xff" * 10_000},
        {NAME: "é"}, {NAME: {}}, {NAME: [[]]}, [("x", b"")] * 5_000 + [(NAME, b"abc")], {4: "x"},
    ],
)  # fmt: skip
def test_hostile_carriers_hold_no_receipt(carrier: Any) -> None:
    """
    What arrives is anybody's: nothing but the shape of a receipt comes out, and nothing is raised.
    """
    capture = Capture(oc.Settings())
    with _used(capture):
        assert "" == oc.extract_receipt(carrier)
        assert "" == oc.extract_receipt(_Hostile())


@pytest.mark.parametrize("receipt", ["", "a b", "x\r\ny: z", "é", "x" * (LIMIT + 1), None, 4])
def test_nothing_but_receipts_is_carried(receipt: Any) -> None:
    """
    A text that is no receipt stays out of headers and baggage.
    """
    capture = Capture(oc.Settings())
    headers: dict[str, str] = {}
    with _used(capture):
        oc.inject_receipt(headers, "" if receipt is None else receipt)
        context = oc.baggage_with_receipt("" if receipt is None else receipt)

    assert {} == headers
    assert {} == baggage.get_all(context)


def test_carriers_that_cannot_be_written_are_left_alone() -> None:
    """
    A carrier that takes no receipt costs the receipt, not the request.
    """
    capture = Capture(oc.Settings())
    receipt = _receipt(capture)
    with _used(capture):
        oc.inject_receipt((), receipt)  # type: ignore[arg-type]  # it is no carrier

    assert 1 == capture.value("otel_confidence.internal.errors")


def _used(capture: Capture) -> Any:
    from otel_confidence.sdk.current import used

    return used(capture.telemetry)
