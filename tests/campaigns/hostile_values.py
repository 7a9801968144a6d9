"""This module makes values that a model had better not return, random ones of every kind."""

import collections
import datetime as dt
import decimal
import enum
import fractions
import inspect
import random
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pydantic


class Rude(BaseException):
    """What no program should raise."""


class Mute(Exception):  # noqa: N818
    """An exception whose text raises, and its equality, and its hash."""

    def __str__(self) -> str:
        raise Rude

    def __repr__(self) -> str:
        raise Rude

    def __eq__(self, other: object) -> bool:
        raise Rude

    def __hash__(self) -> int:
        raise Rude


FAULTS: tuple[Callable[[], BaseException], ...] = (
    RecursionError, MemoryError, GeneratorExit, Rude, Mute,
    lambda: RuntimeError("\ud800" * 10),
    lambda: StopIteration(4),
    lambda: UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x" * 10_000),
)  # fmt: skip


def _raising(*_: Any, **__: Any) -> Any:
    fault = random.choice(FAULTS)()
    raise fault


SPECIAL = (
    "__str__", "__repr__", "__eq__", "__hash__", "__bool__", "__len__", "__iter__", "__getitem__",
    "__contains__", "__float__", "__int__", "__index__", "__array__", "__getattr__", "__call__",
    "__lt__", "__add__", "__format__", "__bytes__", "__complex__", "__array_interface__",
    "__dlpack__", "__getstate__", "keys", "items", "values", "tolist", "item", "shape", "dtype",
    "ndim", "columns", "confidence", "label", "proba", "logprobs", "choices",
)  # fmt: skip


def hostile_object(chance: random.Random) -> Any:
    """
    An object some of whose methods and attributes raise.
    """
    names = chance.sample(SPECIAL, chance.randint(1, len(SPECIAL)))
    body: dict[str, Any] = {
        name: _raising if name.startswith("__") or chance.random() < 0.5 else property(_raising)
        for name in names
    }
    base = chance.choice((object, object, float, int, str, list, dict, tuple, Exception))
    kind = type("Hostile" * chance.randint(1, 40), (base,), body)
    return base.__new__(kind)


class Once:
    """An iterator that knows whether anything was taken from it: that is for the caller to do."""

    taken = False

    def __iter__(self) -> "Once":
        return self

    def __next__(self) -> float:
        self.taken = True
        raise StopIteration


class Endless:
    """An object that has every attribute, each of them as endless as itself."""

    def __getattr__(self, name: str) -> "Endless":
        return self

    def __getitem__(self, key: object) -> "Endless":
        return self

    def __iter__(self) -> "Iterator[Endless]":
        while True:
            yield self

    def __call__(self, *_: object) -> "Endless":
        return self


class Liar:
    """An object that says it is another."""

    __class__ = property(lambda _: chance_of(str, float, dict, np.ndarray))
    __module__ = "numpy"
    shape = (2**40,)
    dtype = "float64"
    ndim = -1

    def __len__(self) -> int:
        return 2**40

    def __float__(self) -> float:
        return float("nan")


def chance_of(*things: Any) -> Any:
    """
    One of them.
    """
    return random.choice(things)


class Color(enum.Enum):
    """An enumeration."""

    RED = "red"
    MANY = ("red", "green")


@dataclass
class Row:
    """A dataclass."""

    confidence: Any
    label: Any
    proba: Any


Named = collections.namedtuple("Named", ("label", "confidence"))  # noqa: PYI024  any values


class Model(pydantic.BaseModel):
    """A pydantic model."""

    confidence: Any = None
    label: Any = None


def _looped() -> list[Any]:
    loop: list[Any] = [0.5]
    loop.append(loop)
    return loop


def _looped_mapping() -> dict[str, Any]:
    loop: dict[str, Any] = {"confidence": 0.5}
    loop["label"] = loop["proba"] = loop
    return loop


def _deep(kind: type) -> Any:
    value: Any = 0.5
    for _ in range(10_000):
        value = [value] if kind is list else {"confidence": value}
    return value


LONG = "x\u202e\x00\ud800" * 2_500_000
"""10 MB of what breaks exporters."""
DEEP = (_deep(list), _deep(dict))
TEXTS = (
    "", "0.9", "high", "85 %", "NaN", "\ud800", "\x00", "a\r\nb", "\x1b[31m", "\u202e", "x" * 300,
    "<script>", "'; DROP TABLE", "\U0001f600" * 100, "1" * 5_000,
)  # fmt: skip
NUMBERS = (
    0.5, 0.93, 0.0, 1.0, -0.0, -0.1, 1.0000001, 55, 1e308, -1e308, 5e-324, float("nan"),
    float("inf"), -float("inf"), 10**400, -(10**5000), 2**63, True, False, 1 + 2j,
    decimal.Decimal("0.5"), decimal.Decimal("sNaN"), decimal.Decimal("Infinity"),
    fractions.Fraction(1, 3), fractions.Fraction(10**400, 3),
)  # fmt: skip
DTYPES = (
    "f2", "f4", "f8", "longdouble", "i1", "u8", "?", "c8", "c16", "O", "U4", "S4", "M8[s]",
    "m8[s]", ">f8", "V8", [("a", "f4"), ("b", "O")],
)  # fmt: skip
SHAPES = ((), (0,), (1,), (3,), (100,), (0, 3), (3, 0), (1, 1), (2, 3), (5, 2), (2, 3, 4), (1,) * 9)


def array(chance: random.Random) -> Any:
    """
    An array of any type and shape.
    """
    made = np.zeros(chance.choice(SHAPES), dtype=chance.choice(DTYPES))
    if made.dtype.kind in "fc" and chance.random() < 0.7:
        with np.errstate(all="ignore"):
            low, high = chance.choice(((0.0, 1.0), (-50.0, 50.0), (1e300, 1e308), (0.9, 1.1)))
            numbers = np.random.default_rng(chance.getrandbits(32))
            made[...] = numbers.uniform(low, high, made.shape)
    if made.dtype.kind == "f" and made.size and chance.random() < 0.3:
        made.flat[chance.randrange(made.size)] = chance.choice((np.nan, np.inf, -np.inf))
    if made.dtype.kind == "O" and made.size:
        made.flat[0] = hostile_object(chance)
    how = chance.random()
    if how < 0.1:
        return np.ma.masked_array(made, mask=True)
    if how < 0.2:
        return made[..., ::-1] if made.ndim else made
    return made[()] if how < 0.3 and not made.ndim else made


def distribution(chance: random.Random) -> Any:
    """
    What a sane model returns, now and then: it keeps the other paths in use.
    """
    rows = np.random.default_rng(chance.getrandbits(32)).dirichlet((1, 1, 1), chance.randint(1, 4))
    return chance.choice((rows, rows[0], rows.tolist(), rows[0].tolist(), pd.DataFrame(rows)))


SIMPLE = (
    None, ..., NotImplemented, b"", b"\xff" * 300, bytearray(3), memoryview(b"123"), object(), int,
    Row, types, print, range(3), slice(1), frozenset({1}), {0.1, 0.2}, Color.RED, Color.MANY,
    dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc), dt.timedelta.max, Endless(), Liar(), pd.NA,
    pd.NaT, pd.Series([0.5, None]), np.float32(0.93), np.int8(100), np.bool_(1),
    np.datetime64("NaT"),
)  # fmt: skip


def _made(chance: random.Random) -> Any:
    return chance.choice(
        (
            _looped, _looped_mapping, lambda: (n for n in (0.5, 0.6)), Once, Once,
            lambda: hostile_object(chance), lambda: hostile_object(chance), lambda: array(chance),
            lambda: array(chance), lambda: distribution(chance), lambda: distribution(chance),
            Mute, lambda: chance.choice(DEEP) if chance.random() < 0.01 else None,
            lambda: LONG if chance.random() < 0.01 else None,
        )
    )()  # fmt: skip


def value(chance: random.Random, depth: int = 3) -> Any:
    """
    A random value of any kind, or a container of such.
    """
    how = chance.random()
    if how < 0.2:
        return chance.choice(NUMBERS)
    if how < 0.3:
        return chance.choice(TEXTS)
    if how < 0.45:
        return chance.choice(SIMPLE)
    if how < 0.7 or not depth:
        return _made(chance)
    return _container(chance, depth - 1)


def _container(chance: random.Random, depth: int) -> Any:
    def inner() -> Any:
        return value(chance, depth)

    return chance.choice(
        (
            lambda: {"confidence": inner(), "label": inner(), "proba": inner(), "logits": inner()},
            lambda: {"token_logprobs": inner(), "members": inner(), "votes": inner()},
            lambda: {"interval": (inner(), inner()), "prediction_set": inner(), "std": inner()},
            lambda: {"score": inner(), "members": [[0.2, 0.8], inner()], "votes": ["a", inner()]},
            lambda: [inner() for _ in range(chance.randint(0, 4))],
            lambda: [{"confidence": inner(), "label": inner()} for _ in range(3)],
            lambda: (inner(), inner()),
            lambda: Named(inner(), inner()),
            lambda: Row(inner(), inner(), inner()),
            lambda: Model(confidence=inner(), label=inner()),
            lambda: types.SimpleNamespace(choices=[types.SimpleNamespace(logprobs=inner())]),
            lambda: types.MappingProxyType({"confidence": inner(), "label": inner()}),
            lambda: collections.UserDict(confidence=inner(), label=inner()),
            lambda: collections.OrderedDict(proba=inner(), label=inner()),
        )
    )()  # fmt: skip


def is_touched(value: Any) -> bool:
    """
    Whether somebody took from an iterator.
    """
    if type(value) is types.GeneratorType:
        return inspect.getgeneratorstate(value) != inspect.GEN_CREATED
    return type(value) is Once and value.taken


def error(chance: random.Random) -> BaseException:
    """
    An exception whose text is no help; not GeneratorExit, which says that a stream was left.
    """
    found = chance.choice([fault for fault in FAULTS if fault is not GeneratorExit])()
    if chance.random() < 0.1 and isinstance(found, Exception):
        found.__cause__ = found.__context__ = Mute()
    return found
