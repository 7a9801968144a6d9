"""
This module finds the value a declaration speaks of: at a path, by a callable, or the result itself.
"""

from collections.abc import Callable
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays, paths

Place = str | Callable[[Any], Any]
"""A path, a callable that is given the result, or ``""`` for the result itself."""

PROBABILITY_WORDS: Final = frozenset(
    ("proba", "probas", "probs", "probabilities", "predict_proba", "softmax")
)
LOGIT_WORDS: Final = frozenset(("logits",))
LOGPROB_WORDS: Final = frozenset(("logprobs", "token_logprobs"))
VOTE_WORDS: Final = frozenset(("votes",))
MEMBER_WORDS: Final = frozenset(("members", "member_probabilities"))
SET_WORDS: Final = frozenset(("prediction_set", "prediction_sets"))
KIND_WORDS: Final = (
    PROBABILITY_WORDS | LOGIT_WORDS | LOGPROB_WORDS | VOTE_WORDS | MEMBER_WORDS | SET_WORDS
)
"""Last names of a path that say what lies there; documented in the package."""


def finder(place: Place) -> Callable[[Any], Any]:
    """
    A function from a result to the value at the place, MISSING where there is none.

    A lone kind word such as ``proba`` means the result itself when that is an array or a list.

    Raises:
        ConfigurationError: the place is neither a path nor a callable.
    """
    if callable(place):
        return place
    if not isinstance(place, str):
        raise ConfigurationError(
            f'a place must be a path such as "result.proba" or a callable, got {place!r}'
        )
    if not place:
        return _itself
    find = paths.follower(place)
    return _or_itself(find) if place in KIND_WORDS else find


def _itself(result: Any) -> Any:
    return result


def _or_itself(find: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def found(result: Any) -> Any:
        if type(result) is dict:
            return find(result)
        value = find(result)
        if value is paths.MISSING and (
            isinstance(result, (list, tuple)) or arrays.is_array(result)
        ):
            return result
        return value

    return found
