"""
This module explains a query: the SQL that ran for each of its selectors, and what came of it.

The query is evaluated while the store's statements are listened to: samples that lie in memory are
asked of the engine then, so that there is a statement to show. Everything that statements leave
undone, from operators to histograms, happens in this process and has no SQL.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otel_confidence.query.promql import Engine
from otel_confidence.server.api import replies
from otel_confidence.server.api.parameters import Parameters
from otel_confidence.server.api.queries import Catalog, Queries
from otel_confidence.server.api.replies import Reply
from otel_confidence.store.listening import Statement, listening


@dataclass(frozen=True, slots=True)
class Explaining:
    """
    Explanations of queries over a store.
    """

    engine: Engine
    store: Catalog
    now: Callable[[], float] = time.time

    def explain(self, given: Parameters) -> Reply:
        """
        What was asked of the store: at one time, or over a range if there is a step.
        """
        queries = Queries(self.engine, self.store, self.now)
        answering = queries.query_range if given.text("step") else queries.query
        with listening() as statements:
            answering(given)
        return replies.plain({"selectors": [_described(each) for each in statements]})


def _described(statement: Statement) -> dict[str, Any]:
    return {
        "sql": statement.sql,
        "parameters": statement.parameters,
        "series": statement.series,
        "rows": statement.rows,
        "seconds": round(statement.seconds, 6),
    }
