"""This module holds what type checkers must make of functions with a fallback; it is never run."""

from collections.abc import Callable
from typing import Any

from typing_extensions import assert_type

import otel_confidence as oc


def ask(text: str) -> str:
    raise NotImplementedError


async def ask_later(text: str) -> str:
    raise NotImplementedError


def ask_anything(*args: Any, **kwargs: Any) -> str:
    raise NotImplementedError


@oc.track_confidence(model="m", threshold=0.8, fallback=ask)
def plain(text: str, *, top: int = 1) -> float:
    raise NotImplementedError


@oc.track_confidence(model="m", threshold=0.8, fallback=ask_anything)
def same(text: str) -> str:
    raise NotImplementedError


@oc.track_confidence(model="m", threshold=0.8, fallback=ask)
async def awaited(text: str) -> float:
    raise NotImplementedError


@oc.track_confidence(model="m", threshold=0.8, fallback=ask_later)
async def awaited_both(text: str) -> float:
    raise NotImplementedError


class Model:
    def ask(self, text: str) -> str:
        raise NotImplementedError

    @oc.track_confidence(model="m", threshold=0.8, fallback=ask)
    def method(self, text: str) -> float:
        raise NotImplementedError

    @classmethod
    @oc.track_confidence(model="m", threshold=0.8, fallback=ask_anything)
    def of_the_class(cls, text: str) -> float:
        raise NotImplementedError


assert_type(plain("a", top=2), float | str)
assert_type(same("a"), str)
assert_type(Model().method("a"), float | str)
assert_type(Model.of_the_class("a"), float | str)
declared: Callable[[str], str] = same


async def awaiting() -> None:
    assert_type(await awaited("a"), float | str)
    assert_type(await awaited_both("a"), float | str)


plain(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
value: float = plain("a")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
Model().method(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
oc.track_confidence(model="m", fallback="ask")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
