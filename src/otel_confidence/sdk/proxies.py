"""
This module stands in for callables that are more than functions: objects, partials, builtins.

A stand-in is what it stands for in every respect but the call: its type to ``isinstance()``, its
attributes, its signature, its flags to ``inspect``, its comparisons. Pickling gives the original,
for what is declared belongs to the program and not to its data.
"""

import copy
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    _Proxy = wrapt.BaseObjectProxy[Any]
else:
    _Proxy = wrapt.BaseObjectProxy  # takes a type from wrapt 2.2 on


class Tracked(_Proxy):
    """
    A callable whose calls go another way.

    Args:
        wrapped: the callable.
        call: what is called instead.
        again: makes the same of a copy.
        mark: for which model and version.
    """

    def __init__(
        self,
        wrapped: Any,
        call: Callable[..., Any],
        again: Callable[[Any], Any],
        mark: tuple[str, str],
    ) -> None:
        super().__init__(wrapped)
        self._self_call = call
        self._self_again = again
        self._self_mark = mark

    @property
    def __otel_confidence__(self) -> tuple[str, str]:
        """
        What the mark on a tracked function is.
        """
        return self._self_mark

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """
        Call it, recorded.
        """
        return self._self_call(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __copy__(self) -> Any:
        return self._again(copy.copy(self.__wrapped__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._again(copy.deepcopy(self.__wrapped__, memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        wrapped = self.__wrapped__
        if isinstance(wrapped, FunctionType) and _named(wrapped) is self:
            return wrapped.__qualname__
        return _itself, (wrapped,)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def _again(self, copied: Any) -> Any:
        return self if copied is self.__wrapped__ else self._self_again(copied)


class TrackedFunction(Tracked):
    """
    The same of what binds to instances, as functions do; nothing else may look as if it did.
    """

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        bound = self.__wrapped__.__get__(instance, owner)
        if instance is None:
            return self
        return self if bound is self.__wrapped__ else MethodType(self, instance)


def stand_in(wrapped: Any) -> type[Tracked]:
    """
    The class of stand-ins that fits a callable.
    """
    return TrackedFunction if hasattr(type(wrapped), "__get__") else Tracked


def _named(function: FunctionType) -> Any:
    """
    What is found today under a function's name in its module.
    """
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found


def _itself(value: Any) -> Any:
    return value
