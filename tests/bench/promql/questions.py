"""This module lists the queries that are timed."""

from dataclasses import dataclass

from tests.bench.promql.dataset import SCALES, Scale

from otel_confidence import expressions
from otel_confidence.conventions import PREDICTION_DURATION

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Query:
    """One query; instant where start and end are the same."""

    name: str
    expr: str
    start: float
    end: float
    step: float

    @property
    def path(self) -> str:
        """The end point it is asked at."""
        return "query" if self.start == self.end else "query_range"

    @property
    def form(self) -> dict[str, str]:
        """What is sent."""
        if self.start == self.end:
            return {"query": self.expr, "time": f"{self.start}"}
        return {
            "query": self.expr,
            "start": f"{self.start}",
            "end": f"{self.end}",
            "step": f"{self.step}",
        }


def queries(scale: Scale) -> list[Query]:
    """What is asked at one scale: over a day, or over thirty."""
    last = scale.end_ms / 1000
    first = last - scale.days * DAY
    return _over_a_day(last) if scale is SCALES[0] else _over_a_month(first, last)


def _over_a_day(last: float) -> list[Query]:
    day = (last - DAY, last, 15 * MINUTE)
    now = (last - HOUR, last - HOUR, 0.0)
    return [
        Query("instant selector", "model_load_ratio", *now),
        Query("instant selector, all series", '{job="bench"}', *now),
        Query("instant selector over 24 h", "model_load_ratio", *day),
        Query("one series over 24 h", 'model_load_ratio{ml_model_name="model-007",part="1"}', *day),
        Query("range selector [6h]", "model_load_ratio[6h]", *now),
        *_shared("1h", day),
        Query("rate over 24 h, all buckets", _rate("1h"), *day),
        Query("avg_over_time over 24 h", "avg_over_time(model_load_ratio[1h])", *day),
    ]


def _over_a_month(first: float, last: float) -> list[Query]:
    day = (last - DAY, last, 15 * MINUTE)
    month = (first + DAY, last, float(DAY))
    now = (last - HOUR, last - HOUR, 0.0)
    fine = (first + DAY, last, 6.0 * HOUR)
    return [
        Query("instant selector", "model_load_ratio", *now),
        Query(
            "one series over 30 d", 'model_load_ratio{ml_model_name="model-007",part="1"}', *fine
        ),
        Query("range selector [1d]", "model_load_ratio[1d]", *now),
        Query("instant selector over 30 d", "model_load_ratio", *fine),
        *(_named(each, "24 h of 30 d") for each in _shared("1h", day)),
        *(_named(each, "30 d by day") for each in _shared("1d", month)),
        *(_named(each, "30 d by 6 h") for each in _shared("6h", fine)),
        Query("avg_over_time over 30 d", "avg_over_time(model_load_ratio[1d])", *month),
        Query(
            "increase[30d], all buckets", f"sum by (le) (increase({_BUCKETS}[30d]))", last, last, 0
        ),
    ]


def _named(query: Query, span: str) -> Query:
    return Query(f"{query.name}, {span}", query.expr, query.start, query.end, query.step)


_BUCKETS = "ml_prediction_duration_seconds_bucket"


def _rate(window: str) -> str:
    return f"rate({_BUCKETS}[{window}])"


def _shared(window: str, span: tuple[float, float, float]) -> list[Query]:
    per_model = expressions.PER_MODEL
    return [
        Query("sum by (model) (rate)", f"sum by (ml_model_name) ({_rate(window)})", *span),
        Query(
            "histogram_quantile of 200 models",
            expressions.quantile(0.9, PREDICTION_DURATION, window, per_model),
            *span,
        ),
        Query("ECE of 100 models", expressions.ece(window, per_model), *span),
        Query("PSI of 100 features", expressions.psi(window, minimum=1), *span),
    ]
