"""
This module says what type checkers know of a tracked callable: what it takes and gives is kept.
"""

from collections.abc import Callable, Coroutine
from functools import cached_property, partialmethod
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    Trackable = (
        Callable[..., Any]
        | classmethod[Any, ..., Any]
        | property
        | cached_property[Any]
        | partialmethod[Any]
    )

F = TypeVar("F", bound="Trackable")
"""Whatever can be tracked: it keeps its very type, overloads and all."""

_P = ParamSpec("_P")
_A = TypeVar("_A")
_B = TypeVar("_B")
_R_co = TypeVar("_R_co", covariant=True)


class FallingBack(Protocol[_R_co]):  # type: ignore[misc]  # mypy asks for either variance in turn
    """
    Tracks a function that has a fallback: what it takes is kept, what it gives may be of either.

    Of a coroutine function the awaited answers are joined; its fallback may be one or not. In a
    class, ``classmethod`` and its like go outside.
    """

    @overload
    def __call__(
        self: "FallingBack[Coroutine[Any, Any, _B]]",
        function: Callable[_P, Coroutine[Any, Any, _A]],
        /,
    ) -> Callable[_P, Coroutine[Any, Any, _A | _B]]: ...

    @overload
    def __call__(
        self, function: Callable[_P, Coroutine[Any, Any, _A]], /
    ) -> Callable[_P, Coroutine[Any, Any, _A | _R_co]]: ...

    @overload
    def __call__(self, function: Callable[_P, _A], /) -> Callable[_P, _A | _R_co]: ...
