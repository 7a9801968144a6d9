"""
This module writes down the requests of a Grafana session, with its dashboards and Explore.

Which addresses are asked, by which method and with which parameters, follows Grafana 12 and 13:
``pkg/promlib/client/client.go`` (queries are posted forms), ``packages/grafana-prometheus/src``:
``resource_clients.ts`` and ``language_provider.ts`` (names and values of labels, metadata, a limit
of 40,000), ``metric_find_query.ts`` (variables), ``datasource.ts`` (health, build, annotations),
``pkg/services/ngalert/api`` (rules and alerts).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.server.replay.grafana import View, number
from tests.server.replay.world import END_S, MODELS, START_S

DASHBOARDS = Path("grafana/dashboards")
SERIES_LIMIT = "40000"
READ_ONLY = ("label/", "metadata", "targets", "rules", "alerts", "status/", "scrape_pools")
"""What Grafana asks by GET even where the data source is set to POST."""
EXPLORED = (
    "ml_predictions_total",
    'ml_predictions_total{ml_model_name="digits"}',
    "rate(ml_predictions_total[$__rate_interval])",
    "sum by (ml_model_name) (rate(ml_predictions_total[$__rate_interval]))",
    "sum(increase(ml_prediction_confidence_bucket[$__rate_interval])) by (le)",
    "histogram_quantile(0.95, sum by (le) (rate(ml_prediction_duration_seconds_bucket[$__range])))",
    "avg_over_time(odd[$__interval])",
    "topk(2, ml_predictions_total)",
    'label_replace(moved, "short", "$1", "instance", "(.).*")',
    'count_values("value", odd)',
    "absent(nothing)",
    "time()",
    "scalar(sum(ml_predictions_total))",
    "ml_prediction_confidence_sum / ml_prediction_confidence_count",
    "ml_predictions_total offset 5m",
    "sum_over_time(rate(ml_predictions_total[$__rate_interval])[$__range:$__interval])",
    '{"my.metric", "label.é"=~"ü|"}',
    "1 + 1",
    "vector(1) > bool 2",
    "-odd",
    'sort_desc(sum by (ml_model_version) ({__name__=~"ml_predictions.*"}))',
)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request: where, how, and with which parameters.
    """

    path: str
    pairs: tuple[tuple[str, str], ...] = ()
    method: str = "GET"

    def __str__(self) -> str:
        given = " ".join(f"{name}={value}" for name, value in self.pairs)
        return f"{self.method} {self.path} {given}"


def asked(path: str, **pairs: str) -> Asked:
    """
    A request as Grafana's back end sends it; a last underscore stands for brackets.
    """
    return Asked(path, _named(pairs), "GET" if path.startswith(READ_ONLY) else "POST")


def got(path: str, **pairs: str) -> Asked:
    """
    The same where the data source is set to GET.
    """
    return Asked(path, _named(pairs))


def _named(pairs: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"{name[:-1]}[]" if name.endswith("_") else name, value) for name, value in pairs.items()
    )


def views(random: Random, count: int) -> Iterator[View]:
    """
    Time ranges as people choose them: the last minutes or hours, or a part zoomed into.
    """
    for _ in range(count):
        length_s = random.choice([60, 300, 900, 1800, 3600, 7200, 21_600, 86_400, 604_800])
        zoomed = random.random() < 0.4
        end_ms = 1000 * END_S - (
            random.randrange(2_000_000) if zoomed else random.randrange(60_000)
        )
        points = random.choice([87, 320, 741, 1133, 2048])
        yield View(end_ms - 1000 * length_s, end_ms, points, random.choice([15_000, 15_000, 1000]))


def opened(view: View) -> Iterator[Asked]:
    """
    A data source that is opened: build, health, then names, labels and metadata.
    """
    yield asked("status/buildinfo")
    yield asked("query", query="1+1", time="4")
    yield asked("labels", limit=SERIES_LIMIT, **view.snapped())
    yield asked("label/__name__/values", limit=SERIES_LIMIT, **view.snapped())
    yield asked("metadata")
    yield asked("metadata", limit="5", limit_per_metric="1")
    yield asked("rules")
    yield asked("rules", type="alert")
    yield asked("alerts")
    yield asked("targets", state="active")
    yield asked("targets", state="dropped")
    yield asked("status/runtimeinfo")


def built(view: View) -> Iterator[Asked]:
    """
    A query that is built: what labels a metric has, what values a label.
    """
    span = view.snapped()
    for match in ('{__name__="ml_predictions_total"}', "odd", '{ml_model_name=~"d.*"}'):
        yield asked("labels", limit=SERIES_LIMIT, match_=match, **span)
        yield got("labels", match_=match, **span)
        yield asked("series", limit=SERIES_LIMIT, match_=match, **span)
        yield asked("label/ml_model_name/values", limit=SERIES_LIMIT, match_=match, **span)
    yield asked("label/U__label_2e__e9_/values", limit=SERIES_LIMIT, **span)
    yield asked("label/le/values", match_='{__name__=~".*_bucket"}', **span)
    yield asked("label/nothing/values", **span)
    yield asked("series", match_='{__name__!=""}', limit=SERIES_LIMIT, **span)
    yield Asked(
        "series",
        (("match[]", "odd"), ("match[]", "moved"), ("match[]", "nothing"), *view.seconds().items()),
    )


def shown(view: View, model: str, version: str) -> Iterator[Asked]:
    """
    The project's own dashboards: variables, annotations, every panel with its exemplars.
    """
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        chosen = {"model": model, "version": version, "truth": "15m"}
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield _variable(str(variable["query"]), view, chosen)
        for note in dashboard["annotations"]["list"]:
            expr = _filled(note["expr"], view, chosen)
            yield asked("query_range", query=expr, **{**view.range(), "step": "60"})
        for target in _targets(dashboard["panels"]):
            if "expr" not in target:
                continue  # of Loki or Tempo
            yield from _panel(target, view, chosen)


def _variable(query: str, view: View, chosen: dict[str, str]) -> Asked:
    match, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(",")
    path = f"label/{label.strip()}/values"
    return asked(path, match_=_filled(match, view, chosen), **view.seconds())


def _targets(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield from panel.get("targets", [])
        yield from _targets(panel.get("panels", []))


def _panel(target: dict[str, Any], view: View, chosen: dict[str, str]) -> Iterator[Asked]:
    expr = _filled(target["expr"], view, chosen)
    if target.get("instant"):
        yield asked("query", query=expr, time=number(view.end_ms))
    if target.get("range"):
        yield asked("query_range", query=expr, **view.range())
    if target.get("exemplar"):
        span = view.range()
        yield asked("query_exemplars", query=expr, start=span["start"], end=span["end"])


def _filled(expr: str, view: View, chosen: dict[str, str]) -> str:
    for name, value in chosen.items():
        expr = expr.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return view.written(expr)


def explored(view: View) -> Iterator[Asked]:
    """
    Explore: a table and a graph of the same expression, its exemplars, its layout.
    """
    span = view.range()
    for template in EXPLORED:
        expr = view.written(template)
        yield asked("query", query=expr, time=number(view.end_ms))
        yield asked("query_range", query=expr, **span)
        yield got("query_range", query=expr, timeout="60s", **span)
        yield asked("query_exemplars", query=expr, start=span["start"], end=span["end"])
        yield asked("format_query", query=expr)
    yield asked("query", query='ml_predictions_total{ml_model_name="digits"}[2m]', time=str(END_S))


def session(seed: int, rounds: int) -> list[Asked]:
    """
    So many visits, each with another time range; no request twice.
    """
    random = Random(seed)
    found: dict[Asked, None] = {}
    for view in views(random, rounds):
        model, version = random.choice(MODELS)
        shown_version = random.choice([version, ".*"])
        for part in (opened(view), built(view), shown(view, model, shown_version), explored(view)):
            found.update(dict.fromkeys(part))
    return list(found)


def malformed() -> list[Asked]:
    """
    Requests that are wrong in all the ways a form can be.
    """
    good = {"query": "odd", "start": str(START_S), "end": str(END_S), "step": "60"}
    wrong: list[tuple[str, str, list[str]]] = [
        ("query_range", "start", ["", "soon", "NaN", "2026-13-45T00:00:00Z", "1e400", "0x1p4"]),
        ("query_range", "end", ["", "later", "1", "-Inf"]),
        ("query_range", "step", ["", "0", "-1", "0s", "1.5.5", "5 m", "1m5", "9" * 30, "0.1"]),
        ("query_range", "timeout", ["", "x", "0", "-5s", "1h", "1e99"]),
        ("query_range", "limit", ["", "-1", "one", "1.5", "0", "1000", "1e3", "+3", "9" * 30]),
        ("query_range", "lookback_delta", ["x", "0", "1m", "9" * 30]),
        ("query_range", "query", ["", " ", "odd{", "sum(odd", "odd[5m]", '"text"', "foo bar"]),
        ("query", "query", ["", 'odd{a=~"("}', "{}", "rate(odd)", "odd offset", "1 +", "odd[", "é",
                            "odd * on() odd", "sum(odd) by", "nosuch(odd)", "odd @ -", "a and 1",
                            'label_replace(odd, "é\xff", "", "", "")', "quantile(odd, 1)"]),
        ("query", "time", ["soon", "NaN", "Inf", "2026-11-22", "2026-11-22T01:02:03Z", "-1"]),
        ("query", "timeout", ["z", "0", "10y"]),
        ("query_exemplars", "query", ["", "odd{", "1", "vector(1)", "odd"]),
        ("query_exemplars", "start", ["", "z", str(END_S + 1)]),
        ("series", "match[]", ["{}", '{a=""}', "odd[5m]", "rate(odd[5m])", "1", ""]),
        ("series", "limit", ["-1", "x", "1"]),
        ("series", "start", ["z", str(END_S + 1)]),
        ("labels", "match[]", ["{}", "odd{", '{a=~".*"}', "odd"]),
        ("labels", "limit", ["-1", "x", "2"]),
        ("labels", "end", ["z", "1"]),
        ("label/le/values", "match[]", ["{}", "odd{", "odd"]),
        ("label/le/values", "limit", ["-1", "x", "2"]),
        ("label/le/values", "start", ["z", str(END_S + 1)]),
        ("metadata", "limit", ["x", "-1", "0"]),
        ("metadata", "limit_per_metric", ["x", "0"]),
        ("format_query", "query", ["", "odd{", "sum(odd)by(a)"]),
        ("rules", "type", ["alert", "record", "other"]),
        ("rules", "exclude_alerts", ["true", "maybe"]),
        ("rules", "match[]", ["odd{", "{}"]),
        ("rules", "group_limit", ["0", "x", "5"]),
        ("rules", "group_next_token", ["abc"]),
        ("targets", "state", ["any", "other"]),
        ("targets/metadata", "limit", ["", "x"]),
        ("scrape_pools", "x", [""]),
    ]  # fmt: skip
    made = [
        Asked(path, tuple({**(good if path.startswith("query") else {}), name: value}.items()), how)
        for path, name, values in wrong
        for value in values
        for how in _methods(path)
    ]
    return [*made, *_misplaced()]


def _methods(path: str) -> tuple[str, ...]:
    return ("GET",) if path.startswith(READ_ONLY) else ("GET", "POST")


def _misplaced() -> list[Asked]:
    return [
        Asked("series"), Asked("query"), Asked("query_range"), Asked("query_exemplars"),
        Asked("label/a b/values"), Asked("label/U__d800_/values"), Asked("label/U___/values"),
        Asked("label/0a/values"), Asked("label/%C3%A9/values"), Asked("nothing"), Asked("status"),
        Asked("query", (), "PUT"), Asked("query", (), "DELETE"), Asked("metadata", (), "POST"),
        Asked("series", (("start", "1"),)), Asked("label//values"),
        Asked("query", (("query", "odd"), ("query", "moved"), ("time", str(END_S)))),
    ]  # fmt: skip
