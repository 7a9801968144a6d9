"""This module holds what type checkers must make of tracked methods; it is never run."""

from collections.abc import AsyncIterator, Iterator
from functools import cached_property

from typing_extensions import assert_type

import otel_confidence as oc


class Model:
    @oc.track_confidence(model="m")
    def method(self, text: str) -> float:
        raise NotImplementedError

    @oc.track_confidence(model="m")
    async def awaited(self, text: str) -> float:
        raise NotImplementedError

    @oc.track_confidence(model="m")
    def streamed(self, text: str) -> Iterator[float]:
        yield self.method(text)

    @oc.track_confidence(model="m")
    async def streamed_later(self, text: str) -> AsyncIterator[float]:
        yield await self.awaited(text)

    @classmethod
    @oc.track_confidence(model="m")
    def inside_classmethod(cls, text: str) -> float:
        raise NotImplementedError

    @oc.track_confidence(model="m")
    @classmethod
    def outside_classmethod(cls, text: str) -> float:
        raise NotImplementedError

    @staticmethod
    @oc.track_confidence(model="m")
    def inside_staticmethod(text: str) -> float:
        raise NotImplementedError

    @oc.track_confidence(model="m")
    @staticmethod
    def outside_staticmethod(text: str) -> float:
        raise NotImplementedError

    @property
    @oc.track_confidence(model="m")
    def inside_property(self) -> float:
        raise NotImplementedError

    # mypy knows no decorator above a property, whichever it is; pyright does.
    @oc.track_confidence(model="m")  # type: ignore[prop-decorator]
    @property
    def outside_property(self) -> float:
        raise NotImplementedError

    @cached_property
    @oc.track_confidence(model="m")
    def inside_cached_property(self) -> float:
        raise NotImplementedError

    @oc.track_confidence(model="m")  # type: ignore[prop-decorator]
    @cached_property
    def outside_cached_property(self) -> float:
        raise NotImplementedError


class Derived(Model):
    def method(self, text: str) -> float:
        return super().method(text)


model = Model()
assert_type(model.method("a"), float)
assert_type(Model.method(model, "a"), float)
assert_type(next(model.streamed("a")), float)
assert_type(Model.inside_classmethod("a"), float)
assert_type(model.outside_classmethod("a"), float)
assert_type(Model.inside_staticmethod("a"), float)
assert_type(model.outside_staticmethod("a"), float)
assert_type(model.inside_property, float)
assert_type(model.outside_property, float)
assert_type(model.inside_cached_property, float)
assert_type(model.outside_cached_property, float)


async def awaiting() -> None:
    assert_type(await model.awaited("a"), float)
    async for value in model.streamed_later("a"):
        assert_type(value, float)


model.method(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Model.inside_classmethod(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Model.outside_staticmethod()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
