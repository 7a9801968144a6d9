"""
This module declares token log-probabilities, as language models return them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, each
from otel_confidence.sdk.extract.distributions import ROUNDING
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    INVALID_VALUE,
    OUT_OF_RANGE,
    Extracted,
    rejection,
    wrong_type,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many, follow
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.scales import number_of

Reduction = Literal["mean", "perplexity", "min", "joint", "first", "mean_probability", "entropy"]
REDUCTIONS: Final = (
    "mean", "perplexity", "min", "joint", "first", "mean_probability", "entropy"
)  # fmt: skip
_SOURCE: Final = "logprob"


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """
    The natural log-probability of each generated token.

    They are taken as a list of numbers, as a list of objects or dicts with ``logprob`` and
    ``top_logprobs``, as what holds such a list under ``content`` or numbers under
    ``token_logprobs``, or as a whole response of the OpenAI clients, of which every choice is one
    prediction. None among the numbers (an echoed first token) is left out.

    Args:
        at: where they are; ``""`` for the whole response.
        reduce: ``"mean"`` or ``"perplexity"``: exp of the mean, which is 1 over the perplexity;
            ``"min"``: the least sure token; ``"joint"``: exp of the sum, the whole text's;
            ``"first"``: the first token's; ``"mean_probability"``: the mean of exp;
            ``"entropy"``: 1 less the mean normalized entropy of the alternatives.
    """

    at: Place = "token_logprobs"
    reduce: Reduction = "mean"

    def __post_init__(self) -> None:
        finder(self.at)
        if self.reduce not in REDUCTIONS:
            raise ConfigurationError(
                f"reduce must be one of {', '.join(REDUCTIONS)}, got {self.reduce!r}"
            )

    source = _SOURCE
    """Where the confidence comes from, a value of ``conventions.SOURCE``."""

    @property
    def method(self) -> str:
        """
        The uncertainty its reduction turns into; empty for none.
        """
        return "entropy" if self.reduce == "entropy" else ""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        return lambda result: self._read(find(result))

    def _read(self, value: Any) -> Extracted:
        if isinstance(value, Many):
            return each(self._one, value, _SOURCE)
        choices = follow(value, "choices") if _has_fields(value) else NOWHERE
        if isinstance(choices, list) and choices:
            found = [follow(choice, "logprobs") for choice in choices]
            return self._one(found[0]) if len(found) == 1 else each(self._one, found, _SOURCE)
        rows = _rows(value)
        return self._one(value) if rows is None else each(self._one, rows, _SOURCE)

    def _one(self, value: Any) -> Extracted:
        tokens = tokens_of(value)
        if tokens is NOWHERE or tokens is None:
            return rejection(CONFIDENCE_MISSING, _SOURCE)
        if self.reduce == "entropy":
            return _from_alternatives(tokens)
        logprobs = _numbers(tokens)
        if logprobs is None:
            return rejection(wrong_type(value), _SOURCE)
        reason = _fault(logprobs)
        if reason:
            return rejection(reason, _SOURCE)
        return Extracted(_reduce(logprobs, self.reduce), None, _SOURCE)


def _rows(value: Any) -> Sequence[Any] | None:
    """
    The rows of a batch: of an array ``[n, tokens]``, or of a list of lists.
    """
    if isinstance(value, list):
        return value if value and all(isinstance(row, list) for row in value) else None
    array = arrays.floats(value) if arrays.is_array(value) else None
    if array is None or array.ndim != 2:  # noqa: PLR2004  predictions and tokens
        return None
    return list(value if isinstance(value, np.ma.MaskedArray) else array)


def tokens_of(value: Any) -> Any:
    """
    The list of tokens in what a client calls ``logprobs``, or the value itself.
    """
    if not _has_fields(value):
        return value
    for name in ("content", "token_logprobs"):
        tokens = follow(value, name)
        if tokens is not NOWHERE and tokens is not None:
            return tokens
    return NOWHERE


def _has_fields(value: Any) -> bool:
    return isinstance(value, Mapping) or not (
        value is None or isinstance(value, (Sequence, int, float)) or arrays.is_array(value)
    )


def _numbers(tokens: Any) -> list[float] | None:
    """
    The log-probabilities as floats; None where a token has none.
    """
    if isinstance(tokens, np.ma.MaskedArray):
        tokens = tokens.compressed()
    if arrays.is_array(tokens):
        array = arrays.floats(tokens)
        return array.tolist() if array is not None and array.ndim == 1 else None
    if not isinstance(tokens, (list, tuple)):
        return None
    numbers = []
    for token in tokens:
        if token is None:
            continue
        number = token if type(token) is float else _logprob(token)
        if number is None:
            return None
        numbers.append(number)
    return numbers


def _logprob(token: Any) -> float | None:
    number, _ = number_of(token)
    if number is None and _has_fields(token):
        number, _ = number_of(follow(token, "logprob"))
    return number


def _fault(logprobs: Sequence[float]) -> str:
    if not logprobs:
        return CONFIDENCE_MISSING
    highest = max(logprobs)
    if any(math.isnan(p) for p in logprobs) or highest == math.inf:
        return INVALID_VALUE
    return OUT_OF_RANGE if highest > ROUNDING else ""


def _reduce(logprobs: Sequence[float], reduce: str) -> float:
    if reduce == "min":
        return _probability(min(logprobs))
    if reduce == "first":
        return _probability(logprobs[0])
    if reduce == "joint":
        return _probability(math.fsum(logprobs))
    if reduce == "mean_probability":
        return math.fsum(_probability(p) for p in logprobs) / len(logprobs)
    return _probability(math.fsum(logprobs) / len(logprobs))


def _probability(logprob: float) -> float:
    return math.exp(min(logprob, 0.0))


def _from_alternatives(tokens: Any) -> Extracted:
    if not isinstance(tokens, (list, tuple)):
        return rejection(wrong_type(tokens), _SOURCE)
    entropies = []
    for token in tokens:
        logprobs = _alternatives(token)
        if logprobs is None:
            return rejection(CONFIDENCE_MISSING, _SOURCE)
        reason = _fault(logprobs)
        if reason:
            return rejection(reason, _SOURCE)
        entropies.append(alternatives_entropy(logprobs))
    if not entropies:
        return rejection(CONFIDENCE_MISSING, _SOURCE)
    return Extracted(1.0 - math.fsum(entropies) / len(entropies), None, _SOURCE)


def _alternatives(token: Any) -> list[float] | None:
    """
    The log-probabilities of a token's alternatives, its own among them; None without any.
    """
    if not _has_fields(token):
        return None
    listed = follow(token, "top_logprobs")
    if not isinstance(listed, (list, tuple)) or not listed:
        return None
    logprobs = [_logprob(one) for one in listed]
    texts = [follow(one, "token") for one in listed]
    own = follow(token, "token")
    if isinstance(own, str) and own not in texts:
        logprobs.append(_logprob(token))
    known = [p for p in logprobs if p is not None]
    return known if len(known) == len(logprobs) else None


def alternatives_entropy(logprobs: Sequence[float]) -> float:
    """
    Entropy over the k best alternatives and the rest taken as one more, over ``ln(k + 1)``.

    The true entropy over the vocabulary is at least as large, for the rest may be spread
    (the grouping property of the entropy).
    """
    shares = [_probability(p) for p in logprobs]
    rest = max(1.0 - math.fsum(shares), 0.0)
    nats = -math.fsum(p * math.log(p) for p in (*shares, rest) if p > 0.0)
    return min(max(nats / math.log(len(shares) + 1), 0.0), 1.0)
