"""
This module answers the requests of the Prometheus HTTP API that ask for data.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from otel_confidence.errors import QueryError
from otel_confidence.points import Exemplar, Labels, Matcher, Metadata
from otel_confidence.query.promql import Engine
from otel_confidence.query.promql.faults import bad_data, execution
from otel_confidence.query.promql.nodes import selectors_of
from otel_confidence.query.promql.parsing import formatted, parse
from otel_confidence.server.api import replies
from otel_confidence.server.api.parameters import Parameters, invalid
from otel_confidence.server.api.replies import Reply

MatcherSets = Sequence[Sequence[Matcher]]
MOST_LISTED = 100_000
"""Some hundred megabytes of series with a dozen labels each."""
_ESCAPE = re.compile(r"__|_([0-9a-fA-F]{1,6})_")


class Catalog(Protocol):
    """
    What is known of series beside their samples; :class:`otel_confidence.store.Store` is one.
    """

    def series(
        self, matchers_sets: MatcherSets, start_ms: int, end_ms: int, *, limit: int = 0
    ) -> list[Labels]:
        """
        The labels of series with samples between two times.
        """
        ...

    def label_names(
        self, matchers_sets: MatcherSets, start_ms: int, end_ms: int, *, limit: int = 0
    ) -> list[str]:
        """
        The names of their labels.
        """
        ...

    def label_values(
        self, label: str, matchers_sets: MatcherSets, start_ms: int, end_ms: int, *, limit: int = 0
    ) -> list[str]:
        """
        The values of one of their labels.
        """
        ...

    def metadata(self, metric: str = "", limit: int = 0) -> list[Metadata]:
        """
        Type, unit and help of metrics.
        """
        ...

    def exemplars(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Exemplar]:
        """
        Exemplars of series between two times.
        """
        ...


@dataclass(frozen=True, slots=True)
class Queries:
    """
    Answers from an engine and a catalog.
    """

    engine: Engine
    store: Catalog
    now: Callable[[], float] = time.time
    most: int = MOST_LISTED
    """How many series, names, values or descriptions one answer lists."""

    def query(self, given: Parameters) -> Reply:
        """
        An expression at one time.
        """
        limit, at, options = given.limit(), given.moment("time", self.now()), given.options()
        expr = _expression(given)
        with _naming_query():
            answer = self.engine.query(expr, at=at, options=options)
        return replies.result(answer, limit=limit)

    def query_range(self, given: Parameters) -> Reply:
        """
        An expression over a range of time.
        """
        limit, (start, end, step) = given.limit(), given.steps()
        options, expr = given.options(), _expression(given)
        with _naming_query():
            answer = self.engine.query_range(expr, start=start, end=end, step=step, options=options)
        return replies.result(answer, limit=limit)

    def format_query(self, given: Parameters) -> Reply:
        """
        An expression, laid out.
        """
        return replies.plain(formatted(_expression(given)))

    def exemplars(self, given: Parameters) -> Reply:
        """
        The exemplars of the series that an expression reads.
        """
        start_ms, end_ms = given.span_ms()
        if end_ms < start_ms:
            raise bad_data("end timestamp must not be before start timestamp")
        found: dict[tuple[Labels, int, Labels], Exemplar] = {}
        selectors = list(selectors_of(parse(given.text("query"))))
        if not selectors:
            return replies.NOTHING
        for matchers in selectors:
            for each in self.store.exemplars(matchers, start_ms, end_ms):
                found[each.series.labels, each.time_ms, each.labels] = each
            given.course.check()
            if len(found) > self.most:
                raise execution(f"the query reads more than {self.most} exemplars")
        return replies.exemplars(list(found.values()))

    def series(self, given: Parameters) -> Reply:
        """
        The labels of the series selected.
        """
        if not given.texts("match[]"):
            raise bad_data("no match[] parameter provided")
        limit, span_ms = self._limit(given), given.span_ms()
        try:
            sets = given.matcher_sets()
        except QueryError as error:
            raise invalid("match[]", str(error)) from error
        found = self.store.series(sets, *span_ms, limit=limit + 1)
        return replies.listed([dict(labels) for labels in found], limit)

    def label_names(self, given: Parameters) -> Reply:
        """
        The names of labels.
        """
        limit, span_ms, sets = self._limit(given), given.span_ms(), given.matcher_sets()
        found = self.store.label_names(sets, *span_ms, limit=limit + 1)
        return replies.listed(found, limit)

    def label_values(self, given: Parameters) -> Reply:
        """
        The values of one label.
        """
        label = unescaped(str(given.path["label"]))
        if not label:
            raise bad_data('invalid label name: ""')
        limit, span_ms, sets = self._limit(given), given.span_ms(), given.matcher_sets()
        found = self.store.label_values(label, sets, *span_ms, limit=limit + 1)
        return replies.listed(found, limit)

    def metadata(self, given: Parameters) -> Reply:
        """
        Type, unit and help of metrics.
        """
        limit, per_metric = given.most("limit"), given.most("limit_per_metric")
        families: dict[str, list[dict[str, str]]] = {}
        found = self.store.metadata(given.text("metric"), self.most + 1)
        for each in found[: self.most]:
            known = families.setdefault(each.name, [])
            if per_metric <= 0 or len(known) < per_metric:
                known.append({"type": each.type, "help": each.help, "unit": each.unit})
        shown = list(families.items())
        said = (replies.TRUNCATED,) if len(found) > self.most else ()
        return replies.plain(dict(shown[:limit] if limit >= 0 else shown), said)

    def _limit(self, given: Parameters) -> int:
        return min(given.limit() or self.most, self.most)


def _expression(given: Parameters) -> str:
    text = given.text("query")
    with _naming_query():
        parse(text)
    return text


@contextmanager
def _naming_query() -> Iterator[None]:
    try:
        yield
    except QueryError as error:
        if error.kind != "bad_data":
            raise
        # What is wrong with a request whose other parameters were read lies in the expression.
        raise invalid("query", str(error)) from error


def unescaped(label: str) -> str:
    """
    A label's name out of a path, where ``U__`` begins a name with its odd characters in hex.
    """
    if not label.startswith("U__"):
        return label

    def character(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else "_"

    try:
        # What cannot be encoded, half of a surrogate pair, is no character either.
        return _ESCAPE.sub(character, label[3:]).encode().decode()
    except (ValueError, OverflowError) as error:
        raise bad_data(f'invalid label name: "{label}"') from error
