"""
This module says what a query of metrics answers, whoever computes it.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from otel_confidence.points import Selection

AnswerKind = Literal["vector", "matrix", "scalar", "string"]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The result of one PromQL expression.

    A vector's series hold one sample each, a scalar is one series without labels and with one
    sample (over a range: a matrix), a string's text is in ``text``.
    """

    kind: AnswerKind
    series: tuple[Selection, ...]
    warnings: tuple[str, ...] = ()
    text: str = ""
    time_ms: int = 0
    """When a string was evaluated; series have their own times."""


class Metrics(Protocol):
    """
    Anything that answers PromQL: the engine in process or a server of the Prometheus HTTP API.

    Both methods raise :class:`~otel_confidence.errors.QueryError`.
    """

    def query(self, expr: str, *, at: float | None = None) -> Answer:
        """
        The value of an expression at one time.

        Args:
            expr: The expression, in PromQL.
            at: Epoch seconds; now when not given.
        """
        ...

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> Answer:
        """
        The values of an expression at ``start``, ``start + step`` … up to ``end``.

        Args:
            expr: The expression, in PromQL.
            start: Epoch seconds of the first evaluation.
            end: Epoch seconds after which none is made.
            step: Seconds between evaluations.
        """
        ...
