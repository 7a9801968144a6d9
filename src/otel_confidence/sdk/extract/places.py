"""
This module finds the value a declaration speaks of: at a path, by a callable, or the result itself.
"""

from collections.abc import Callable
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays, paths

Place = str | Callable[[Any], Any]
"""A path, a callable that is given the result, or ``"."`` for the result itself."""

PROBABILITY_WORDS: Final = frozenset(("proba", "probs", "probabilities", "softmax"))
LOGIT_WORDS: Final = frozenset(("logits",))
LOGPROB_WORDS: Final = frozenset(("logprobs", "token_logprobs"))
VOTE_WORDS: Final = frozenset(("votes",))
MEMBER_WORDS: Final = frozenset(("members",))
SET_WORDS: Final = frozenset(("prediction_set", "prediction_sets"))
INTERVAL_WORDS: Final = frozenset(("interval", "prediction_interval"))
KIND_WORDS: Final = frozenset.union(
    PROBABILITY_WORDS, LOGIT_WORDS, LOGPROB_WORDS, VOTE_WORDS, MEMBER_WORDS, SET_WORDS,
    INTERVAL_WORDS,
)  # fmt: skip
"""Last names of a path that say what lies there."""


def finder(place: Place) -> Callable[[Any], Any]:
    """
    A function from a result to the value at the place, NOWHERE where there is none.

    A lone kind word such as ``proba`` means the result itself when that is an array, list or set.

    Raises:
        ConfigurationError: the place is neither a path nor a callable.
    """
    if callable(place):
        return place
    if not isinstance(place, str):
        raise ConfigurationError(
            f'a place must be a path such as "result.proba" or a callable, got {place!r}'
        )
    if place in ("", "."):
        return lambda result: result
    walk = paths.walker(place)
    return _or_itself(walk) if place in KIND_WORDS else walk


def _or_itself(walk: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def find(result: Any) -> Any:
        value = walk(result)
        if value is not paths.NOWHERE:
            return value
        bare = isinstance(result, (list, tuple, set, frozenset)) or arrays.is_array(result)
        return result if bare else value

    return find
