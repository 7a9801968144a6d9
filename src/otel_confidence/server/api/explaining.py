"""
This module explains a query: the SQL that ran for each of its selectors, and what came of it.

The query is evaluated as always; in between stands a recorder that notes what the engine asks of
the store. Everything else, from look-back to aggregation, happens in this process and has no SQL.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from otel_confidence.points import Matcher, Selection
from otel_confidence.query.promql import Engine
from otel_confidence.query.promql.selecting import Source
from otel_confidence.server.api import replies
from otel_confidence.server.api.parameters import Parameters
from otel_confidence.server.api.queries import Catalog, Queries
from otel_confidence.server.api.replies import Reply
from otel_confidence.store.reader import selecting


class Readable(Catalog, Source, Protocol):
    """
    What is known of series, and their samples; :class:`otel_confidence.store.Store` has both.
    """


@dataclass(frozen=True, slots=True)
class Explaining:
    """
    Explanations of queries over a store.
    """

    engine: Engine
    store: Readable
    now: Callable[[], float] = time.time

    def explain(self, given: Parameters) -> Reply:
        """
        What was asked of the store: at one time, or over a range if there is a step.
        """
        recorder = _Recorder(self.store)
        queries = Queries(self.engine.over(recorder), self.store, self.now)
        answering = queries.query_range if given.text("step") else queries.query
        answering(given)
        return replies.plain({"selectors": recorder.seen})


@dataclass(slots=True)
class _Recorder:
    """
    A source of samples that notes what is asked of another.
    """

    source: Source
    seen: list[dict[str, Any]] = field(default_factory=list)

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        *,
        max_samples: int = 50_000_000,
    ) -> list[Selection]:
        began = time.perf_counter()
        found = self.source.select(matchers, start_ms, end_ms, max_samples=max_samples)
        took_s = time.perf_counter() - began
        sql, parameters = selecting(matchers, start_ms, end_ms, max_samples)
        self.seen.append(
            {
                "sql": sql,
                "parameters": parameters,
                "series": len(found),
                "samples": sum(len(each.times_ms) for each in found),
                "seconds": round(took_s, 6),
            }
        )
        return found
