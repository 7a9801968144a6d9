"""
This module finds the features a tracked function is given, in the arguments of its call.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from otel_confidence.errors import ConfigurationError

Features = str | Callable[..., Any]
"""A path that begins with an argument's name, ``"*"`` for all arguments by name, or a callable that
is given the arguments."""
Read = Callable[[tuple[Any, ...], Mapping[str, Any]], Any]
"""Finds the features in the positional and the named arguments of a call."""

EVERY: Final = "*"
_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def reader(features: Features, function: Callable[..., Any]) -> Read:
    """
    A function from the arguments of a call to the features in them.

    Raises:
        ConfigurationError: the function has no such argument.
    """
    if callable(features):
        return lambda args, kwargs: features(*args, **kwargs)
    if not isinstance(features, str) or not features:
        raise ConfigurationError(
            f'features must be a path such as "row" or "request.fields", or a callable that is '
            f"given the arguments, got {features!r}"
        )
    signature = _signature(function, features)
    return _all_of(signature) if features == EVERY else _path(features, signature)


def _all_of(signature: inspect.Signature) -> Read:
    def read(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    return read


def _path(path: str, signature: inspect.Signature) -> Read:
    from otel_confidence.sdk.extract import paths  # numpy, which the front door leaves alone

    first, *_ = paths.parse(path)
    if first.bracketed or first.key not in signature.parameters:
        raise ConfigurationError(
            f"features={path!r} begins with no argument of the function, whose arguments are "
            f"{list(signature.parameters)}"
        )
    argument = _argument(signature, first.key)
    walk = paths.walker(path)
    return lambda args, kwargs: walk({first.key: argument(args, kwargs)})


def _argument(signature: inspect.Signature, name: str) -> Read:
    """
    Reads one argument without binding the others, which costs several microseconds.
    """
    parameter = signature.parameters[name]
    names = list(signature.parameters)
    place = names.index(name)
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return lambda args, _: args[place:]
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return lambda _, kwargs: {k: v for k, v in kwargs.items() if k not in names}
    if parameter.kind not in _POSITIONAL:
        return lambda _, kwargs: kwargs.get(name, parameter.default)
    return lambda args, kwargs: (
        args[place] if place < len(args) else kwargs.get(name, parameter.default)
    )


def _signature(function: Callable[..., Any], features: str) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"features={features!r} needs the function's signature, which {function!r} lacks; "
            "give a callable that is given the arguments"
        ) from error
