"""
This module says whether two engines gave the same answer.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass

from otel_confidence.errors import QueryError
from otel_confidence.points import Labels
from otel_confidence.query.answers import Answer, Metrics

TOLERANCE = 1e-9
CRASH = "unexpected error: runtime error"
"""Prometheus 3.9.1 panics on a subquery with ``@`` in a function that follows the time."""
KNOWN = (
    (
        re.compile(r"timestamp\(+[^()]*@ [^ ]+ offset"),
        "Prometheus 3.9.1 forgets the offset beside an @ within timestamp()",
    ),
    (
        re.compile(r"(quantile|topk|bottomk)\b[^@]*\(scalar\([^()]*@"),
        "Prometheus 3.9.1 lets the time that an @ fixes move on within an aggregation's parameter",
    ),
    (
        re.compile(r"absent(_over_time)?\(.*[{,](\w+)[!=]~?[^,}]*,.*\b\2(!=|=|!~|=~)"),
        "Prometheus 3.9.1 takes conditions in another order where it has no samples of anything",
    ),
    (
        re.compile(r"std(dev|var)\b.*(timestamp|epoch|time\(\))"),
        "stddev and stdvar of large values depend on the order of series, in Prometheus too",
    ),
)
DOCUMENTED = (
    "is experimental and not supported",
    "works on native histograms, which are not supported",
)
"""What we refuse as docs/reference/promql.md says."""
INVALID = 'invalid parameter "query": '
"""What the HTTP API says before what is wrong with an expression."""
MATCHED = ("found duplicate series", "multiple matches for labels")
"""How the faults of matching begin."""
ONE_OF_MANY = re.compile(r"\{[^{}]*\}")
"""The series that a message names: which of several Prometheus names depends on their order."""
OMITTED = "annotations omitted"


@dataclass(frozen=True, slots=True)
class Question:
    """
    One query, instant where start and end are the same.
    """

    expr: str
    start: float
    end: float
    step: float

    def ask(self, metrics: Metrics) -> Answer | QueryError:
        """
        The answer, or the refusal.
        """
        try:
            if self.start == self.end:
                return metrics.query(self.expr, at=self.start)
            return metrics.query_range(self.expr, start=self.start, end=self.end, step=self.step)
        except QueryError as error:
            return error


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What came of one comparison.
    """

    outcome: str
    """``equal``, ``equal, empty``, ``both refuse``, ``refused by us``, ``they crash``,
    ``explained`` or ``different``."""
    reason: str = ""


def compare(question: Question, ours: Metrics, theirs: Metrics) -> Verdict:
    """
    Ask both and compare kind, labels, times and values, refusals as refusals.
    """
    mine, other = question.ask(ours), question.ask(theirs)
    if isinstance(mine, QueryError):
        return _refused(mine, other)
    if isinstance(other, QueryError):
        outcome = "they crash" if CRASH in str(other) else "different"
        return Verdict(outcome, f"only they refuse: {other}")
    reason = _difference(mine, other)
    if reason:
        known = next((why for shape, why in KNOWN if shape.search(question.expr)), "")
        return Verdict("explained", known) if known else Verdict("different", reason)
    return Verdict("equal" if mine.series or mine.text else "equal, empty")


def _refused(mine: QueryError, other: Answer | QueryError) -> Verdict:
    if isinstance(other, QueryError):
        if (mine.kind, _words(mine)) == (other.kind, _words(other)):
            return Verdict("both refuse", mine.kind)
        if all(str(each).startswith(MATCHED) for each in (mine, other)):
            return Verdict("explained", "of two faults Prometheus names that of the earlier step")
        return Verdict("different", f"refused as {mine.kind} ({mine}), not {other.kind} ({other})")
    if any(text in str(mine) for text in DOCUMENTED):
        return Verdict("refused by us", str(mine))
    return Verdict("different", f"only we refuse: {mine}")


def _words(refusal: QueryError) -> str:
    return ONE_OF_MANY.sub("{}", str(refusal).removeprefix(INVALID))


def _difference(mine: Answer, other: Answer) -> str:
    if (mine.kind, mine.text) != (other.kind, other.text):
        return f"kind {mine.kind} {mine.text!r}, not {other.kind} {other.text!r}"
    ours, theirs = _points(mine), _points(other)
    if ours.keys() != theirs.keys():
        return f"series {sorted(ours)[:5]}, not {sorted(theirs)[:5]}"
    reasons = (_unlike(labels, ours[labels], theirs[labels]) for labels in ours)
    return next((reason for reason in reasons if reason), "") or _said(mine, other)


def _said(mine: Answer, other: Answer) -> str:
    theirs = set(other.warnings)
    ours = {_nowhere(each) if _nowhere(each) in theirs else each for each in mine.warnings}
    shown = {each for each in theirs if OMITTED not in each}
    if ours == theirs or (shown != theirs and shown < ours):
        return ""
    return f"said {sorted(ours)}, not {sorted(theirs)}"


def _nowhere(said: str) -> str:
    # Prometheus 3.9.1 forgets the place of a subquery that rate() or increase() is called with.
    return re.sub(r"\(\d+:\d+\)$", "(1:1)", said)


def _points(answer: Answer) -> dict[Labels, dict[int, float]]:
    found: dict[Labels, dict[int, float]] = defaultdict(dict)
    for each in answer.series:
        found[each.labels].update(zip(each.times_ms.tolist(), each.values.tolist(), strict=True))
    return found


def _unlike(labels: Labels, ours: dict[int, float], theirs: dict[int, float]) -> str:
    if ours.keys() != theirs.keys():
        odd = sorted(ours.keys() ^ theirs.keys())[:3]
        return f"{labels}: {len(ours)} points, not {len(theirs)}, such as {odd}"
    for moment, value in ours.items():
        if not _same(value, theirs[moment]):
            return f"{labels} at {moment}: {value!r}, not {theirs[moment]!r}"
    return ""


def _same(a: float, b: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=0.0)
