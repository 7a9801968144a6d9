"""
This module reads declarations spelled as text: a path, and at its end what is to be done there.

``path``, ``path.reduction`` or ``path[class]``. The last name of the path says what lies there:

- ``proba``, ``probs``, ``probabilities``, ``softmax``: ``Probabilities``
- ``logits``: ``Logits``
- ``logprobs``, ``token_logprobs``: ``TokenLogprobs``
- ``members``: ``Ensemble``, whose uncertainty may be the last word
- ``votes``: ``Votes``
- ``interval``, ``prediction_interval``: ``Interval``

After any other name ``max``, ``margin`` and ``entropy`` reduce probabilities, and a path without a
reduction leads to a number. ``"."`` is the result itself, and a lone reduction applies to it. A key
that is spelled like a reduction is written in brackets, ``stats["max"]``, and so is followed.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import distributions, ensembles, logprobs, paths, places
from otel_confidence.sdk.extract.batches import Reader
from otel_confidence.sdk.extract.ensembles import Ensemble, Votes
from otel_confidence.sdk.extract.intervals import Interval
from otel_confidence.sdk.extract.logits import Logits
from otel_confidence.sdk.extract.logprobs import TokenLogprobs
from otel_confidence.sdk.extract.measured import Measured
from otel_confidence.sdk.extract.probabilities import Probabilities
from otel_confidence.sdk.extract.reported import Reported


@runtime_checkable
class Declaration(Protocol):
    """
    What says where a confidence is and how it is read.
    """

    @property
    def source(self) -> str:
        """
        Where the confidence comes from, a value of ``conventions.SOURCE``; empty where unknown.
        """

    @property
    def method(self) -> str:
        """
        The uncertainty it finds, a value of ``conventions.UNCERTAINTY_METHOD``; empty for none.
        """

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """


def _probabilities(at: str, reduce: Any) -> Declaration:
    return Probabilities(at, reduce="max" if reduce is None else reduce)


def _logits(at: str, reduce: Any) -> Declaration:
    return Logits(at, reduce="max" if reduce is None else reduce)


def _ensemble(at: str, reduce: Any) -> Declaration:
    if reduce in ("mutual_information", "std"):
        return Ensemble(at, uncertainty=reduce)
    if reduce == "entropy":
        return Ensemble(at, reduce=reduce, uncertainty="entropy")
    return Ensemble(at, reduce="max" if reduce is None else reduce)


def _logprobs(at: str, reduce: Any) -> Declaration:
    return TokenLogprobs(at, reduce="mean" if reduce is None else reduce)


def _votes(at: str, reduce: Any) -> Declaration:  # noqa: ARG001  the entropy comes with them
    return Votes(at)


def _interval(at: str, reduce: Any) -> Declaration:  # noqa: ARG001  it is not reduced
    return Interval(at)


def _prediction_set(at: str, reduce: Any) -> Declaration:  # noqa: ARG001  refused
    raise ConfigurationError(
        "a prediction set needs the alpha it was calibrated with; declare "
        f"PredictionSet({at!r}, alpha=0.1) in place of the text"
    )


_MEASURES: Final = ("std", "mutual_information", "set_size", "interval_width")
_TOKENS: Final = "content"
"""Where the OpenAI clients keep the tokens below ``logprobs``; no kind by itself."""


class _Kind(NamedTuple):
    words: frozenset[str]
    reductions: tuple[str, ...]
    by_class: bool
    """Whether brackets after the word name a class."""
    make: Callable[[str, Any], Declaration]


_REDUCTIONS = distributions.REDUCTIONS
_KINDS: Final = (
    _Kind(places.PROBABILITY_WORDS, _REDUCTIONS, by_class=True, make=_probabilities),
    _Kind(places.LOGIT_WORDS, _REDUCTIONS, by_class=True, make=_logits),
    _Kind(places.MEMBER_WORDS, (*_REDUCTIONS, *ensembles.SPREADS), by_class=True, make=_ensemble),
    _Kind(places.LOGPROB_WORDS, logprobs.REDUCTIONS, by_class=False, make=_logprobs),
    _Kind(places.VOTE_WORDS, ("max", "entropy"), by_class=False, make=_votes),
    _Kind(places.SET_WORDS, ("size",), by_class=False, make=_prediction_set),
    _Kind(places.INTERVAL_WORDS, ("width",), by_class=False, make=_interval),
)


def declaration(text: str) -> Declaration:
    """
    The declaration a text spells.

    Raises:
        ConfigurationError: the text is no path, or ends in a word that does not fit its kind.
    """
    if text == ".":
        return Reported()
    steps = paths.parse(text)
    last = steps[-1]
    for kind in _KINDS:
        if not last.bracketed and last.key in kind.words:
            return kind.make(text, None)
        if _kind(steps[:-1]) in kind.words:
            return _ended(text, last, kind)
    if not last.bracketed and last.key in distributions.REDUCTIONS:
        return Probabilities(_without(text, last.key), reduce=last.key)
    return Reported(text)


def _ended(text: str, last: paths.Step, kind: _Kind) -> Declaration:
    """
    The declaration of a path that goes on after its kind word.
    """
    if not last.bracketed and last.key in kind.reductions:
        return kind.make(_without(text, last.key), last.key)
    if kind.by_class and last.bracketed and last.key is not paths.EVERY:
        return kind.make(text[: text.rindex("[")], last.key)
    if last.bracketed or last.key == _TOKENS:
        return kind.make(text, None)
    raise ConfigurationError(
        f"{last.key!r} is no reduction of what lies at {_without(text, last.key)!r}; "
        f"write one of {', '.join(dict.fromkeys(kind.reductions))}"
    )


def uncertainty_declaration(text: str) -> Declaration:
    """
    The declaration of an uncertainty that a text spells: a reduction, or a path to a number.

    Raises:
        ConfigurationError: the text does not say which uncertainty it is.
    """
    last = paths.parse(text)[-1].key
    if last in _MEASURES and _kind(paths.parse(text)[:-1]) not in places.MEMBER_WORDS:
        return Measured(text, method=last)
    declared = declaration(text)
    if not declared.method:
        raise ConfigurationError(
            f"{text!r} is no uncertainty by itself; write a reduction such as "
            f'"proba.entropy", or say what the number is: Measured({text!r}, method="std")'
        )
    return declared


def _kind(steps: tuple[paths.Step, ...]) -> Any:
    """
    The last name before the end, past any brackets.
    """
    names = (step.key for step in reversed(steps) if not step.bracketed)
    return next((name for name in names if name != _TOKENS), "")


def _without(text: str, ending: str) -> str:
    return text[: -len(ending)].removesuffix(".") or "."
