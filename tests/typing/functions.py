"""This module holds what type checkers must make of tracked functions; it is never run."""

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any, NamedTuple, TypeVar, overload

from typing_extensions import assert_type

import otel_confidence as oc

T = TypeVar("T")


class Answer(NamedTuple):
    label: str
    confidence: float


@oc.track_confidence(model="m", confidence="confidence", label="label", threshold=0.5)
def plain(text: str, top: int = 1, *, temperature: float = 1.0) -> Answer:
    raise NotImplementedError


@oc.track_confidence(model="m")
async def awaited(text: str) -> Answer:
    raise NotImplementedError


@oc.track_confidence(model="m")
def streamed(text: str) -> Iterator[Answer]:
    yield plain(text)


@oc.track_confidence(model="m")
def conversed(text: str) -> Generator[str, int, Answer]:
    yield text
    return plain(text)


@oc.track_confidence(model="m")
async def streamed_later(text: str) -> AsyncIterator[Answer]:
    yield await awaited(text)


@oc.track_confidence(model="m")
def generic(items: list[T]) -> T:
    return items[0]


@overload
def either(item: str) -> Answer: ...
@overload
def either(item: list[str]) -> list[Answer]: ...
@oc.track_confidence(model="m")
def either(item: str | list[str]) -> Answer | list[Answer]:
    raise NotImplementedError


@oc.track_confidence(model="m")
class Model:
    def __call__(self, text: str) -> Answer:
        raise NotImplementedError


def untracked(text: str, top: int) -> Answer:
    raise NotImplementedError


assert_type(plain("a"), Answer)
assert_type(plain("a", 2, temperature=0.5), Answer)
assert_type(next(streamed("a")), Answer)
assert_type(conversed("a"), Generator[str, int, Answer])
assert_type(streamed_later("a"), AsyncIterator[Answer])
assert_type(generic([1, 2]), int)
assert_type(either("a"), Answer)
assert_type(either(["a"]), list[Answer])
assert_type(Model()("a"), Answer)

same: Callable[[str], Coroutine[Any, Any, Answer]] = awaited
bound = oc.track_confidence(model="m")(functools.partial(untracked, top=1))
assert_type(bound("a"), Answer)
tracked = oc.track_confidence(model="m")(untracked)
assert_type(tracked("a", 1), Answer)
elsewhere = oc.with_current_context(untracked)
assert_type(elsewhere("a", top=1), Answer)


async def awaiting() -> None:
    assert_type(await awaited("a"), Answer)
    async for answer in streamed_later("a"):
        assert_type(answer, Answer)


# What was wrong before is wrong still.
plain(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
plain("a", heat=1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
plain()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
now: Answer = awaited("a")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
Model()(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
elsewhere("a", top="b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
