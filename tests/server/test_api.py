"""
This module tests the Prometheus HTTP API on a real server over a real store.
"""

import math
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from prometheus_api_client import PrometheusConnect
from starlette.applications import Starlette
from tests.running import until

from otel_confidence.errors import QueryError
from otel_confidence.points import Batch, Exemplar, Metadata, Sample, Samples, Series
from otel_confidence.query.prometheus import PrometheusClient
from otel_confidence.query.promql import Engine
from otel_confidence.server.api import routes
from otel_confidence.store import Store

NOW_S = 1_800_000_000
START_S = NOW_S - 600


def series(name: str, **labels: str) -> Series:
    """
    A series by its name and labels.
    """
    return Series(tuple(sorted({"__name__": name, **labels}.items())))


def batch() -> Batch:
    """
    Ten minutes of a counter for two models, a histogram's buckets, an odd name, an exemplar.
    """
    counters = {model: series("ml_predictions_total", ml_model_name=model) for model in ("a", "b")}
    samples = [
        Sample(counter, (START_S + 15 * number) * 1000, float(number * weight))
        for weight, counter in enumerate(counters.values(), start=1)
        for number in range(41)
    ]
    samples += [
        Sample(series("odd", le="0.5"), NOW_S * 1000, math.nan),
        Sample(series("odd", le="1"), NOW_S * 1000, math.inf),
        Sample(series("odd", le="2"), NOW_S * 1000, 1e-7),
        Sample(series("my.metric", **{"label.with.dots": "é"}), NOW_S * 1000 + 500, 0.1),
    ]
    link = (("span_id", "b7ad6b7169203331"), ("trace_id", "0af7651916cd43dd8448eb211c80319c"))
    return Batch(
        samples=Samples.of(samples),
        exemplars=[Exemplar(counters["a"], NOW_S * 1000 - 250, 0.93, link)],
        metadata=[Metadata("ml_predictions_total", "counter", "", "Predictions made.")],
    )


@pytest.fixture(name="url", scope="module")
def _url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("data")
    store = Store.open(folder, retention_days=10_000)
    store.write(batch())
    app = Starlette(routes=routes(Engine(store, now=lambda: NOW_S), store, now=lambda: NOW_S))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    store.close()


def get(url: str, path: str, **parameters: Any) -> Any:
    """
    The data of a request that succeeds.
    """
    response = httpx.get(f"{url}/api/v1/{path}", params=parameters)
    body = response.json()
    assert (200, "success") == (response.status_code, body["status"]), body
    return body["data"]


def test_instant_query_has_prometheus_shape(url: str) -> None:
    """
    An instant vector is a list of metrics, each with its evaluation time and value as text.
    """
    data = get(url, "query", query='ml_predictions_total{ml_model_name="a"}', time=NOW_S + 0.5)

    assert {
        "resultType": "vector",
        "result": [
            {
                "metric": {"__name__": "ml_predictions_total", "ml_model_name": "a"},
                "value": [NOW_S + 0.5, "40"],
            }
        ],
    } == data


def test_range_query_has_prometheus_shape(url: str) -> None:
    """
    A range gives every step's time and value, whether asked by GET or by a posted form.
    """
    form = {"query": "sum(ml_predictions_total)", "start": START_S, "end": NOW_S, "step": "5m"}

    got = get(url, "query_range", **form)
    posted = httpx.post(f"{url}/api/v1/query_range", data=form).json()["data"]

    values = [[START_S, "0"], [START_S + 300, "60"], [NOW_S, "120"]]
    assert {"resultType": "matrix", "result": [{"metric": {}, "values": values}]} == got
    assert got == posted


def test_scalars_strings_and_ranges_have_their_types(url: str) -> None:
    """
    Scalars and strings are one pair; a range selector gives the stored samples.
    """
    assert {"resultType": "scalar", "result": [NOW_S, "3"]} == get(url, "query", query="1+2")
    assert {"resultType": "string", "result": [5.25, "é"]} == get(
        url, "query", query='"é"', time=5.25
    )
    stored = get(url, "query", query='ml_predictions_total{ml_model_name="a"}[20s]')
    assert "matrix" == stored["resultType"]
    assert [[NOW_S - 15, "39"], [NOW_S, "40"]] == stored["result"][0]["values"]


def test_numbers_are_written_as_prometheus_writes_them(url: str) -> None:
    """
    NaN and infinities are words; very small numbers have an exponent.
    """
    data = get(url, "query", query="odd")

    values = {each["metric"]["le"]: each["value"][1] for each in data["result"]}
    assert {"0.5": "NaN", "1": "+Inf", "2": "1e-07"} == values


@pytest.mark.parametrize(
    "moment",
    [
        "1799999999.9996",
        "1_800_000_000",
        "2027-01-15T08:00:00Z",
        "2027-01-15T09:00:00.000+01:00",
        "2027-01-15T7:59:59,9999Z",
    ],
)
def test_times_are_epoch_seconds_or_rfc_3339(url: str, moment: str) -> None:
    """
    A time may be given in either way, with any zone, and is kept to the millisecond.
    """
    assert NOW_S == get(url, "query", query="vector(1)", time=moment)["result"][0]["value"][0]


@pytest.mark.parametrize(
    ("path", "parameters", "refusal", "message"),
    [
        ("query", {"query": "sum(x"}, (400, "bad_data"), 'invalid parameter "query": 1:6: parse'),
        ("query", {}, (400, "bad_data"), "no expression found"),
        ("query", {"query": "limitk(1, x)"}, (400, "bad_data"), "limitk() is experimental"),
        ("query", {"query": "x", "time": "soon"}, (400, "bad_data"), 'invalid parameter "time"'),
        ("query", {"query": "x", "time": "NaN"}, (400, "bad_data"), 'invalid parameter "time"'),
        ("query", {"query": "x", "timeout": "z"}, (400, "bad_data"), 'invalid parameter "timeout"'),
        ("query", {"query": "x", "timeout": "9" * 400 + "ms"}, (400, "bad_data"), "valid dura"),
        (
            "query",
            {"query": "x", "lookback_delta": "9" * 400 + "y"},
            (400, "bad_data"),
            "to a valid duration",
        ),
        ("query", {"query": "(" * 20_000}, (400, "bad_data"), "nested more than"),
        ("label/U___d800_/values", {}, (400, "bad_data"), "invalid label name"),
        ("query", {"query": "x", "limit": "-1"}, (400, "bad_data"), 'invalid parameter "limit"'),
        ("query", {"query": "odd * on() odd"}, (422, "execution"), "many-to-many matching"),
        ("query", {"query": "sum(odd)", "timeout": "-1s"}, (400, "bad_data"), "timeout"),
        ("query", {"query": "sum(odd)", "timeout": "0"}, (503, "timeout"), "timed out"),
        ("query_range", {"query": "x"}, (400, "bad_data"), 'invalid parameter "start"'),
        (
            "query_range",
            {"query": "x", "start": 0, "end": 11_001, "step": 1},
            (400, "bad_data"),
            "11,000 points",
        ),
        (
            "query_range",
            {"query": "x", "start": 9, "end": 1, "step": 1},
            (400, "bad_data"),
            'invalid parameter "end"',
        ),
        (
            "query_range",
            {"query": "x", "start": 1, "end": 9, "step": 0},
            (400, "bad_data"),
            "zero or negative",
        ),
        ("series", {}, (400, "bad_data"), "no match[] parameter provided"),
        ("series", {"match[]": "{}"}, (400, "bad_data"), "non-empty matcher"),
        ("series", {"match[]": "rate(x[5m])"}, (400, "bad_data"), "expected an instant vector"),
        (
            "query_exemplars",
            {"query": "x", "start": 5, "end": 1},
            (400, "bad_data"),
            "not be before",
        ),
        ("query", {"query": "x", "time": "1e20"}, (400, "bad_data"), 'invalid parameter "time"'),
        (
            "query_range",
            {"query": "x", "start": "1e20", "end": "1e20", "step": 1},
            (400, "bad_data"),
            'invalid parameter "start": cannot parse "1e20"',
        ),
        (
            "query",
            {"query": "x", "time": "2027-01-15t08:00:00z"},
            (400, "bad_data"),
            'invalid parameter "time"',
        ),
        (
            "query",
            {"query": "x offset 1e300"},
            (400, "bad_data"),
            "1:10: parse error: duration out",
        ),
        ("query", {"query": 'sum by ("") (x)'}, (400, "bad_data"), "invalid label name for group"),
        ("query_exemplars", {"query": "x{"}, (400, "bad_data"), "parse error"),
    ],
)
def test_wrong_requests_get_the_status_and_error_of_prometheus(
    url: str, path: str, parameters: dict[str, Any], refusal: tuple[int, str], message: str
) -> None:
    """
    A request that can't be answered says so with Prometheus's status, error type and reason.
    """
    response = httpx.get(f"{url}/api/v1/{path}", params=parameters)
    body = response.json()

    assert refusal == (response.status_code, body["errorType"])
    assert "error" == body["status"]
    assert message in body["error"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])
def test_the_calendars_ends_are_times_too(url: str, moment: str) -> None:
    """
    A time whose UTC date has no name in the calendar is answered all the same.
    """
    kind = get(url, "query", query="1", time=moment)["resultType"]

    assert "scalar" == kind


def test_an_enormous_form_is_refused(url: str) -> None:
    """
    A form above one mebibyte is a bad request, and the server goes on.
    """
    response = httpx.post(f"{url}/api/v1/query", data={"query": "x" * (2 << 20)})

    assert 400 == response.status_code
    assert "more than 1048576 bytes" in response.json()["error"]
    assert httpx.get(f"{url}/-/healthy").is_success


def test_a_hostile_regular_expression_takes_no_time(url: str) -> None:
    """
    A pattern that would make a backtracking matcher run for ever is answered.
    """
    data = get(url, "query", query='{__name__=~"(a+)+$", ml_model_name=~"(.*a){20}.*"}')

    assert [] == data["result"]


def test_results_are_cut_to_the_limit_with_a_warning(url: str) -> None:
    """
    A limit shortens the list of series and says so.
    """
    count = len(get(url, "query", query="odd")["result"])
    cut = httpx.get(f"{url}/api/v1/query", params={"query": "odd", "limit": count - 1}).json()
    whole = httpx.get(f"{url}/api/v1/query", params={"query": "odd", "limit": count}).json()

    assert (count - 1, count) == (len(cut["data"]["result"]), len(whole["data"]["result"]))
    assert ["results truncated due to limit"] == cut["warnings"]
    assert "warnings" not in whole


@pytest.mark.parametrize("path", ["series", "labels", "label/__name__/values"])
def test_lists_are_cut_to_the_limit_with_a_warning(url: str, path: str) -> None:
    """
    As many as the limit are the whole list, one more is cut off and said.
    """
    ask = {"match[]": "odd"}
    count = len(get(url, path, **ask))
    cut = httpx.get(f"{url}/api/v1/{path}", params={**ask, "limit": max(1, count - 1)}).json()
    whole = httpx.get(f"{url}/api/v1/{path}", params={**ask, "limit": count}).json()

    assert (max(1, count - 1), count) == (len(cut["data"]), len(whole["data"]))
    assert (count > 1) == ("warnings" in cut)
    assert "warnings" not in whole


@pytest.mark.parametrize("path", ["series", "labels", "label/__name__/values"])
def test_nothing_is_listed_between_an_end_and_a_later_start(url: str, path: str) -> None:
    """
    Who asks for a time that ends before it starts gets an empty list, not a refusal.
    """
    assert [] == get(url, path, **{"match[]": "odd"}, start=NOW_S + 9, end=NOW_S - 9)


def test_infos_are_told_beside_warnings(url: str) -> None:
    """
    What may be a mistake has its own list in the answer, with its place in the expression.
    """
    asked = "quantile(2, rate(odd[1m:1s]))"
    response = httpx.get(f"{url}/api/v1/query", params={"query": asked, "time": NOW_S + 30})
    warned = ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"]
    name = '_total/_sum/_count/_bucket: "odd" (1:18)'
    told = [f"PromQL info: metric might not be a counter, name does not end in {name}"]

    assert (warned, told) == (response.json()["warnings"], response.json()["infos"])


def test_a_form_of_several_parts_is_read(url: str) -> None:
    """
    A form may be posted as multipart too; a file in it, or half of it, is a bad request.
    """
    address = f"{url}/api/v1/query"
    parts = {"query": (None, "1 + 1"), "time": (None, str(NOW_S))}
    right = httpx.post(address, files=parts)
    file = httpx.post(address, files={"query": ("query.txt", "1 + 1")})
    half = httpx.post(
        address, content=b"--b\r\n", headers={"Content-Type": "multipart/form-data; boundary=c"}
    )

    assert "2" == right.json()["data"]["result"][1]
    assert [400, 400] == [file.status_code, half.status_code]
    assert "error parsing form values" in file.json()["error"]


def test_lookback_delta_is_respected(url: str) -> None:
    """
    A request may say how old a sample can be.
    """
    ask = {"query": "count(ml_predictions_total)", "time": NOW_S + 20}

    assert 1 == len(get(url, "query", **ask)["result"])
    assert [] == get(url, "query", **ask, lookback_delta="10s")["result"]
    assert 1 == len(get(url, "query", **ask, lookback_delta="-1")["result"])


def test_series_and_labels(url: str) -> None:
    """
    Series, label names and label values are listed by matchers and times.
    """
    found = get(url, "series", **{"match[]": ["my_metric", '{"my.metric"}']})

    assert [{"__name__": "my.metric", "label.with.dots": "é"}] == found
    assert ["__name__", "label.with.dots", "le", "ml_model_name"] == get(url, "labels")
    assert ["__name__", "le"] == get(url, "labels", **{"match[]": "odd"})
    assert ["a", "b"] == get(url, "label/ml_model_name/values")
    assert ["a"] == get(url, "label/ml_model_name/values", limit=1)
    assert ["é"] == get(url, "label/U__label_2e_with_2e_dots/values")
    assert [] == get(url, "label/ml_model_name/values", start=1, end=2)


def test_metadata_names_type_and_help(url: str) -> None:
    """
    Metadata lists, for each metric, its type, help and unit.
    """
    expected = [{"type": "counter", "help": "Predictions made.", "unit": ""}]

    assert {"ml_predictions_total": expected} == get(url, "metadata")
    assert {} == get(url, "metadata", metric="other")


def test_exemplars_lead_to_traces(url: str) -> None:
    """
    Exemplars come grouped by series, with trace and span.
    """
    (found,) = get(url, "query_exemplars", query="rate(ml_predictions_total[5m])")

    assert {"__name__": "ml_predictions_total", "ml_model_name": "a"} == found["seriesLabels"]
    assert "0.93" == found["exemplars"][0]["value"]
    assert NOW_S - 0.25 == found["exemplars"][0]["timestamp"]
    assert {"trace_id", "span_id"} == set(found["exemplars"][0]["labels"])


def test_queries_are_formatted(url: str) -> None:
    """
    An expression is laid out; one whose layout would lose quotes comes back as it was.
    """
    assert "sum by (a) (rate(x[5m]))" == get(url, "format_query", query="sum by(a)(rate(x[5m]))")
    quoted = 'sum by ("a.b") (x)'
    assert quoted == get(url, "format_query", query=f" {quoted} ")


def test_status_and_what_is_empty_here(url: str) -> None:
    """
    Clients find a version to go by; targets, rules and alerts are valid and empty.
    """
    assert "3.9.1" == get(url, "status/buildinfo")["version"]
    assert get(url, "status/runtimeinfo")["reloadConfigSuccess"]
    assert [] == get(url, "targets")["activeTargets"]
    assert {"groups": []} == get(url, "rules")
    assert {"alerts": []} == get(url, "alerts")
    assert httpx.get(f"{url}/-/ready").is_success


def test_prometheus_api_client_works(url: str) -> None:
    """
    A client written for Prometheus reads values, ranges, labels and series unchanged.
    """
    client = PrometheusConnect(url=url)

    assert ["ml_predictions_total", "my.metric", "odd"] == sorted(client.all_metrics())
    value = client.custom_query("sum(ml_predictions_total)")[0]["value"]
    assert [NOW_S, "120"] == value
    assert ["a", "b"] == client.get_label_values("ml_model_name")


def test_our_client_answers_like_the_engine(url: str) -> None:
    """
    The same expression gives the same answer in process and over HTTP.
    """
    client = PrometheusClient(url)
    expr = "rate(ml_predictions_total[5m])"

    over_http = client.query_range(expr, start=START_S, end=NOW_S, step=60)
    at_once = client.query(expr, at=NOW_S)

    assert "matrix" == over_http.kind
    assert [(("ml_model_name", "a"),), (("ml_model_name", "b"),)] == [
        each.labels for each in over_http.series
    ]
    assert over_http.series[0].values[-1] == at_once.series[0].values[0]
    assert 1 / 15 == pytest.approx(at_once.series[0].values[0], rel=1e-12)
    assert 3.0 == client.query("1 + 2").series[0].values[0]
    assert "x" == client.query('"x"').text
    client.close()


def test_our_client_raises_what_the_server_refuses(url: str) -> None:
    """
    A refusal arrives as a QueryError with kind and status; so does a server that isn't there.
    """
    client = PrometheusClient(url)
    with pytest.raises(QueryError, match="parse error") as refused:
        client.query("sum(x")
    client.close()
    nobody = PrometheusClient("http://127.0.0.1:1")
    with pytest.raises(QueryError, match="cannot ask") as alone:
        nobody.query("x")
    nobody.close()

    assert ("bad_data", 400) == (refused.value.kind, refused.value.status)
    assert ("unavailable", 503) == (alone.value.kind, alone.value.status)
