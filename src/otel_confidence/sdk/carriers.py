"""
This module carries receipts from where a prediction is made to where its truth becomes known.

In an HTTP header or message attribute ``ml-prediction-receipt``, or in OpenTelemetry's baggage.
What arrives is anybody's text: only what has the shape of a receipt comes out, all else is none.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final

from opentelemetry import baggage
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import Getter, Setter

from otel_confidence.conventions import RECEIPT_BAGGAGE, RECEIPT_HEADER
from otel_confidence.receipts import LIMIT
from otel_confidence.sdk.current import current
from otel_confidence.sdk.tracking import last_receipt

Pairs = list[tuple[Any, bytes]]
"""Headers as Kafka's clients and ASGI hold them: names of text or bytes, values of bytes."""
_SHAPE: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{LIMIT}}}", re.ASCII)
_HEADERS: Final = 1000
"""Headers that are looked through, at most."""
_ENVIRON: Final = "http_" + RECEIPT_HEADER.replace("-", "_")
"""How WSGI spells the header, in lower case."""
_WRAPPED: Final = ("StringValue", "stringValue", "Value")
"""Where message attributes of AWS hold their text."""


def inject_receipt(
    carrier: "MutableMapping[str, str] | Pairs",
    receipt: str | None = None,
    *,
    setter: Setter[Any] | None = None,
) -> None:
    """
    Put a receipt into headers or message attributes; without one they stay as they are.

    Args:
        carrier: a mapping of names to texts, or a list of pairs of name and bytes.
        receipt: the receipt; that of the call that ended last by default.
        setter: OpenTelemetry's setter of an instrumentation, for carriers of another kind.
    """
    with current().guard("carriers.inject"):
        text = last_receipt() if receipt is None else receipt
        if not _is_receipt(text):
            return
        if setter is not None:
            setter.set(carrier, RECEIPT_HEADER, text)
        elif isinstance(carrier, list):
            raw = bool(carrier) and isinstance(carrier[0][0], bytes)
            name = RECEIPT_HEADER.encode("ascii") if raw else RECEIPT_HEADER
            carrier.append((name, text.encode("ascii")))
        else:
            carrier[RECEIPT_HEADER] = text


def extract_receipt(carrier: Any, *, getter: Getter[Any] | None = None) -> str:
    """
    The receipt in headers or message attributes; empty where there is none.

    Reads mappings and pairs with names of any case and values of text or bytes, WSGI's environ, and
    message attributes of AWS. Of several values the first that has the shape of a receipt counts.

    Args:
        carrier: the headers or attributes.
        getter: OpenTelemetry's getter of an instrumentation, for carriers of another kind.
    """
    with current().guard("carriers.extract"):
        values = _values(carrier) if getter is None else getter.get(carrier, RECEIPT_HEADER) or ()
        return next((text for value in values if (text := _receipt(value))), "")
    return ""


def baggage_with_receipt(receipt: str | None = None, context: Context | None = None) -> Context:
    """
    A context whose baggage carries a receipt to every service that is called within it.

    Args:
        receipt: the receipt; that of the call that ended last by default.
        context: the context to start from; the current one by default.
    """
    text = last_receipt() if receipt is None else receipt
    if not _is_receipt(text):
        return get_current() if context is None else context
    return baggage.set_baggage(RECEIPT_BAGGAGE, text, context)


def receipt_from_baggage(context: Context | None = None) -> str:
    """
    The receipt that arrived in the baggage; empty where there is none.
    """
    return _receipt(baggage.get_baggage(RECEIPT_BAGGAGE, context))


def _is_receipt(text: object) -> bool:
    return isinstance(text, str) and _SHAPE.fullmatch(text) is not None


def _receipt(value: Any) -> str:
    """
    A carried value as text where it has the shape of a receipt.
    """
    if isinstance(value, Mapping):
        value = next((value[name] for name in _WRAPPED if name in value), None)
    if isinstance(value, (bytes, bytearray)):
        value = value[: LIMIT + 1].decode("ascii", "replace")
    return value if isinstance(value, str) and _is_receipt(value) else ""


def _values(carrier: Any) -> Iterable[Any]:
    """
    The values under the receipt's name, in order.
    """
    pairs = carrier.items() if hasattr(carrier, "items") else carrier
    for place, pair in enumerate(pairs):
        if place >= _HEADERS or not isinstance(pair, tuple) or len(pair) != 2:  # noqa: PLR2004  a pair
            return
        if _name(pair[0]) in {RECEIPT_HEADER, _ENVIRON}:
            yield from pair[1] if isinstance(pair[1], (list, tuple)) else (pair[1],)


def _name(name: Any) -> str:
    if isinstance(name, (bytes, bytearray)):
        name = name[: LIMIT + 1].decode("latin-1")
    return name[: LIMIT + 1].lower() if isinstance(name, str) else ""
