"""
This module makes an extractor out of declarations, once, when a function is decorated.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract.batches import Reader
from otel_confidence.sdk.extract.extracted import MISSING, Extracted, rejection
from otel_confidence.sdk.extract.paths import MISSING as NOWHERE
from otel_confidence.sdk.extract.paths import Step, parse
from otel_confidence.sdk.extract.places import PROBABILITY_WORDS, Place, finder
from otel_confidence.sdk.extract.probabilities import REDUCTIONS, Probabilities
from otel_confidence.sdk.extract.reported import Reported


@runtime_checkable
class Declaration(Protocol):
    """
    What says where a confidence is and how it is read.
    """

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """


def extractor(
    confidence: str | Callable[[Any], Any] | Declaration | None = None,
    *,
    label: Place | None = None,
) -> Callable[[Any], Extracted]:
    """
    A function that takes what was returned and gives confidence, label and their account.

    Raises:
        ConfigurationError: a declaration is wrong; the message says what would be right.
    """
    read = _reader(confidence)
    if label is None:
        return read
    label_of = finder(label)

    def extract(result: Any) -> Extracted:
        found = read(result)
        named = label_of(result)
        return Extracted(
            found.confidence,
            None if named is NOWHERE else named,
            found.source,
            found.size,
            found.uncertainty,
            found.method,
            found.rejected,
            found.interval,
            found.prediction_set,
        )

    return extract


def _reader(confidence: str | Callable[[Any], Any] | Declaration | None) -> Reader:
    if confidence is None:
        return _undeclared
    if isinstance(confidence, str):
        return _spelled(confidence).reader()
    if isinstance(confidence, Declaration):
        return confidence.reader()
    if callable(confidence):
        return Reported(confidence).reader()
    raise ConfigurationError(
        'confidence must be a path such as "result.confidence" or "proba.max", a callable, '
        f"or a declaration, got {confidence!r}"
    )


def _undeclared(result: Any) -> Extracted:  # noqa: ARG001  a reader is given the result
    return rejection(MISSING)


def _spelled(text: str) -> Declaration:
    steps = parse(text)
    last = steps[-1]
    if not last.bracketed and last.key in REDUCTIONS:
        return Probabilities(text[: -len(last.key)].rstrip("."), last.key)
    if len(steps) > 1 and last.bracketed and _kind(steps[:-1]) in PROBABILITY_WORDS:
        return Probabilities(text[: text.rindex("[")], last.key)
    if not last.bracketed and last.key in PROBABILITY_WORDS:
        return Probabilities(text)
    return Reported(text)


def _kind(steps: tuple[Step, ...]) -> Any:
    return next((step.key for step in reversed(steps) if not step.bracketed), "")
