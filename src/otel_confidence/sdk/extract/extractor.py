"""
This module makes an extractor out of declarations, once, when a function is decorated.
"""

from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from typing import Any

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract.batches import Reader
from otel_confidence.sdk.extract.discovery import discover
from otel_confidence.sdk.extract.extracted import LABEL_MISMATCH, Extracted, complete, unsure
from otel_confidence.sdk.extract.grammar import (
    Declaration,
    declaration,
    uncertainty_declaration,
)
from otel_confidence.sdk.extract.labels import labeler
from otel_confidence.sdk.extract.places import Place
from otel_confidence.sdk.extract.reported import Reported
from otel_confidence.sdk.extract.scales import UNIT, Ends, Policy, scale_of
from otel_confidence.sdk.extract.tolerances import Tolerance, tolerance_of

Step = Callable[[Any, Extracted], Extracted]
"""Adds to what was found something more of the result."""
Confidence = str | Callable[[Any], Any] | Declaration
"""A spelled declaration, a callable that is given the result, or a declaration object."""


def extractor(
    confidence: Confidence | float | None = None,
    *,
    label: Place | None = None,
    uncertainty: str | Declaration | None = None,
    tolerance: float | Tolerance | None = None,
    scale: str | Ends = "unit",
    out_of_range: Policy = "reject",
) -> Reader:
    """
    A function that takes what was returned and gives confidence, label and their account.

    It raises nothing of its own: what cannot be read is counted in ``Extracted.rejected``.

    Args:
        confidence: where the confidence is and how it is read; found by its shape without; a
            number is the confidence of every prediction.
        label: where the predicted label or value is; ``"proba.argmax"`` for the best class.
        uncertainty: a reduction such as ``"proba.entropy"``, or a declaration that finds one.
        tolerance: how far the truth may be from a predicted value that counts as correct.
        scale: the scale of a plain number: ``"unit"``, ``"percent"`` or its two ends.
        out_of_range: what becomes of a plain number outside: ``"reject"`` or ``"clip"``.

    Raises:
        ConfigurationError: a declaration is wrong; the message says what would be right.
    """
    read = _confidence(confidence, scale, out_of_range)
    steps: list[Step] = []
    if label is not None:
        steps.append(_labeling(labeler(label)))
    if uncertainty is not None:
        steps.append(_measuring(*_uncertainty(uncertainty)))
    if tolerance is not None:
        steps.append(_tolerating(tolerance_of(tolerance)))
    return _chained(read, steps)


def source_of(confidence: Confidence | float | None) -> str:
    """
    The source of every confidence that is found so; empty where only the result will tell.
    """
    if confidence is None:
        return ""
    if isinstance(confidence, str):
        return declaration(confidence).source
    return checked(confidence).source if hasattr(confidence, "reader") else "reported"


def _confidence(declared: Confidence | float | None, scale: str | Ends, policy: Policy) -> Reader:
    scaled = scale != "unit" or policy != "reject"
    scale_of(scale, policy)
    if isinstance(declared, str):
        declared = declaration(declared)
    elif callable(declared) and not hasattr(declared, "reader"):
        declared = Reported(declared)
    if type(declared) is Reported and scaled:
        return replace(declared, scale=scale, out_of_range=policy).reader()
    if scaled:
        raise ConfigurationError(
            "scale= and out_of_range= are for a plain number at a path or from a callable; "
            f"{declared!r} has its own"
        )
    if declared is None:
        return discover
    return _constant(declared) if isinstance(declared, Real) else checked(declared).reader()


def checked(declared: Any) -> Declaration:
    """
    The declaration, unless it is something else.

    Raises:
        ConfigurationError: it is none, or its class in place of an instance.
    """
    if isinstance(declared, type) and hasattr(declared, "reader"):
        name = declared.__name__
        raise ConfigurationError(f"declare {name}() with its arguments, not the class {name}")
    if not isinstance(declared, Declaration):
        raise ConfigurationError(
            'a declaration must be a path such as "result.confidence" or "proba.max", a callable, '
            f"or an object such as Probabilities(), got {declared!r}"
        )
    return declared


def _constant(value: Real) -> Reader:
    """
    The same confidence for every prediction, as a rule without degrees has it.
    """
    number, reason = UNIT.one(value)
    if number is None:
        raise ConfigurationError(f"confidence must be within 0..1, got {value!r} ({reason})")
    return lambda _: Extracted(number, source="reported")


def _uncertainty(declared: str | Declaration) -> tuple[Reader, str]:
    if isinstance(declared, str):
        declared = uncertainty_declaration(declared)
    if callable(declared) and not hasattr(declared, "reader"):
        raise ConfigurationError(
            'say which uncertainty the callable gives, such as Measured(callable, method="std")'
        )
    if not checked(declared).method:
        raise ConfigurationError(
            f"{declared!r} finds no uncertainty; reduce by entropy or margin, or declare Measured"
        )
    return declared.reader(), declared.method


def _chained(read: Reader, steps: list[Step]) -> Reader:
    if not steps:
        return read
    if len(steps) == 1:
        only = steps[0]
        return lambda result: only(result, read(result))

    def extract(result: Any) -> Extracted:
        found = read(result)
        for step in steps:
            found = step(result, found)
        return found

    return extract


def _labeling(label_of: Callable[[Any], Any]) -> Step:
    def step(result: Any, found: Extracted) -> Extracted:
        label = label_of(result)
        if not found.batch:
            return complete(found, label=label)
        if isinstance(label, (list, tuple)) and len(label) == found.size:
            return complete(found, label=list(label) if found.size > 1 else label[0])
        if label is None or found.size == 1:
            return complete(found, label=label)
        counts = {**found.rejected, LABEL_MISMATCH: found.size}
        return complete(found, label=None, rejected=counts)

    return step


def _measuring(read: Reader, method: str) -> Step:
    def step(result: Any, found: Extracted) -> Extracted:
        measured = read(result)
        if measured.size != found.size:
            return found
        values = measured.uncertainty
        if values is None and measured.confidence is not None and not measured.method:
            values = 1.0 - measured.confidence
        return unsure(found, values, method)

    return step


def _tolerating(tolerance: Tolerance) -> Step:
    def step(_: Any, found: Extracted) -> Extracted:
        return complete(found, tolerance=tolerance.around(found.label))

    return step
