"""
This module writes OTLP values as text, as the Collector and Prometheus do.
"""

import base64
import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_FIXED_FROM = 1e-6
_FIXED_BELOW = 1e21
_ESCAPED = str.maketrans(
    {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


def text(value: AnyValue) -> str:
    """
    The value as text: numbers in their shortest exact form, arrays and maps as JSON.
    """
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return number(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return "" if kind is None else _as_json(_plain(value))


def texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """
    Attributes as text.
    """
    return {pair.key: text(pair.value) for pair in attributes}


def number(value: float) -> str:
    """
    A number in its shortest exact form, without an exponent between 1e-6 and 1e21.

    >>> number(2.0), number(0.1), number(1e-7), number(float("inf"))
    ('2', '0.1', '1e-07', '+Inf')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0 or _FIXED_FROM <= abs(value) < _FIXED_BELOW:
        return positional(value)
    return np.format_float_scientific(value, trim="-", exp_digits=2)


def positional(value: float) -> str:
    """
    A number in its shortest exact form, never with an exponent; an infinity as Prometheus's.

    >>> positional(0.00001), positional(5.0), positional(float("inf"))
    ('0.00001', '5', '+Inf')
    """
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else np.format_float_positional(value, trim="-")


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    plain = None if kind is None else getattr(value, kind)
    if isinstance(plain, float):
        # JSON knows neither NaN nor the infinities; whole numbers lose their point, as in Go.
        if not math.isfinite(plain):
            return number(plain)
        return int(plain) if plain.is_integer() and abs(plain) < _FIXED_BELOW else plain
    return plain


def _as_json(plain: Any) -> str:
    written = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return written.translate(_ESCAPED)
