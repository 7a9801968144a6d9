"""This module checks what /federate says of a real store, against another reader of the format."""

import math
import re
import struct
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from otel_confidence.points import Batch, Metadata, Sample, Samples, Series
from otel_confidence.query.promql import Engine, Limits
from otel_confidence.server.api.queries import unescaped
from otel_confidence.server.federation import routes
from otel_confidence.store import Store

NOW_S = 1_800_000_000
NOW_MS = NOW_S * 1000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
ODD_LABELS = {"label.é": "ü", "_x:y": "z"}
ODD = 'quote " backslash \\ line\nend é'


def sample(name: str, value: float, age_s: float = 0, /, **labels: str) -> Sample:
    """A sample of a series by its name and labels, some seconds old."""
    named = {"__name__": name, **labels}
    return Sample(Series(tuple(sorted(named.items()))), round(NOW_MS - age_s * 1000), value)


@pytest.fixture(name="client", scope="module")
def _client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    edges = {"+Inf": 3.0, "0.5": 1.0, "10": 2.0}
    batch = Batch(
        samples=Samples.of(
            [
                sample("calls_total", 41.0, 60, job="a"),
                sample("calls_total", 42.0, 15, job="a", instance="i"),
                sample("calls_total", 40.0, 90, job="a"),
                *(sample("wait_bucket", value, job="a", le=le) for le, value in edges.items()),
                sample("wait_sum", 0.125, job="a"),
                sample("wait_count", 3.0, job="a"),
                sample("ended", 1.0, 60, job="a"),
                sample("ended", STALE, 30, job="a"),
                sample("old", 1.0, 301, job="a"),
                sample("ahead", 1.0, -60, job="a"),
                sample("not_a_number", math.nan, job="a"),
                sample("tiny", 5e-324, job="odd", text=ODD),
                sample("endless", -math.inf, job="odd"),
                sample("my.metric", 7.0, 0, job="odd", **ODD_LABELS),
            ]
        ),
        metadata=[
            Metadata("calls_total", "counter", "", "Calls\nmade \\ counted."),
            Metadata("wait", "histogram", "", ""),
        ],
    )
    store = Store.open(tmp_path_factory.mktemp("data"), retention_days=10_000)
    store.write(batch)
    engine = Engine(store, limits=Limits(max_samples=20))
    yield TestClient(Starlette(routes=routes(engine, store, now=lambda: NOW_S)))
    store.close()


def get(client: TestClient, *selectors: str, accept: str = "") -> str:
    """The text of an answer that succeeds."""
    answer = client.get("/federate", params={"match[]": selectors}, headers={"Accept": accept})
    assert 200 == answer.status_code, answer.text
    return answer.text


def test_families_stand_together_behind_their_types(client: TestClient) -> None:
    """
    A counter with its help, a histogram in the order of its edges, the time of each sample.
    """
    text = get(client, '{__name__=~"calls.*|wait.*"}')

    assert text.splitlines() == [
        "# HELP calls_total Calls\\nmade \\\\ counted.",
        "# TYPE calls_total counter",
        f'calls_total{{instance="",job="a"}} 41 {NOW_MS - 60_000}',
        f'calls_total{{instance="i",job="a"}} 42 {NOW_MS - 15_000}',
        "# TYPE wait histogram",
        f'wait_bucket{{instance="",job="a",le="0.5"}} 1 {NOW_MS}',
        f'wait_bucket{{instance="",job="a",le="10"}} 2 {NOW_MS}',
        f'wait_bucket{{instance="",job="a",le="+Inf"}} 3 {NOW_MS}',
        f'wait_count{{instance="",job="a"}} 3 {NOW_MS}',
        f'wait_sum{{instance="",job="a"}} 0.125 {NOW_MS}',
    ]


def test_only_the_present_is_told(client: TestClient) -> None:
    """
    Series that ended, are older than the look-back or lie ahead are not there; a NaN is.
    """
    text = get(client, '{job="a",__name__!~"calls.*|wait.*"}')

    assert ["not_a_number"] == [family.name for family in text_string_to_metric_families(text)]
    assert " NaN " in text


def test_more_than_a_query_may_hold_is_refused(client: TestClient) -> None:
    """
    What is read for a scrape counts as what queries read does.
    """
    answer = client.get("/federate", params={"match[]": ['{job="a"}'] * 3})

    assert 422 == answer.status_code
    assert "more than 9 samples" in answer.text


def test_a_series_selected_twice_is_told_once(client: TestClient) -> None:
    """
    Several match[] are alternatives.
    """
    text = get(client, "wait_sum", '{__name__="wait_sum"}', "endless")

    assert 2 == sum(not line.startswith("#") for line in text.splitlines())


def test_odd_texts_survive_another_reader(client: TestClient) -> None:
    """
    Quotes, backslashes, line breaks and extreme numbers are read back as they were.
    """
    families = text_string_to_metric_families(get(client, "tiny", "endless"))

    endless, tiny = sorted(each for family in families for each in family.samples)
    assert (-math.inf, 5e-324) == (endless.value, tiny.value)
    assert ODD == tiny.labels["text"]


def test_odd_names_are_quoted_for_who_can_read_them(client: TestClient) -> None:
    """
    The answer has the version of the format that quotes names.
    """
    accept = (
        "application/openmetrics-text;version=1.0.0;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3"
    )
    answer = client.get(
        "/federate", params={"match[]": '{"my.metric"}'}, headers={"Accept": accept}
    )

    assert "version=1.0.0" in answer.headers["content-type"]
    assert "escaping=allow-utf-8" in answer.headers["content-type"]
    assert (
        '# TYPE "my.metric" untyped\n'
        f'{{"my.metric","_x:y"="z",instance="",job="odd","label.é"="ü"}} 7 {NOW_MS}\n'
    ) == answer.text


def test_odd_names_are_spelled_in_letters_for_others(client: TestClient) -> None:
    """
    What is no letter becomes hexadecimal, and can be told from it again.
    """
    [family] = text_string_to_metric_families(get(client, '{"my.metric"}'))

    [read] = family.samples
    assert "my.metric" == unescaped(read.name)
    assert {"_x:y", "instance", "job", "label.é"} == {unescaped(name) for name in read.labels}


@pytest.mark.parametrize(
    "selectors",
    [[], [""], ["rate(x[5m])"], ["{"], ["{}"], ["x[5m]"], ['{a=~"("}']],
    ids=["none", "empty", "function", "broken", "everything", "range", "broken pattern"],
)
def test_what_is_no_selector_is_refused(client: TestClient, selectors: list[str]) -> None:
    """
    The answer is 400 and names the parameter.
    """
    answer = client.get("/federate", params={"match[]": selectors})

    assert 400 == answer.status_code
    assert re.search(r"parse error|instant vector selector|match\[\]", answer.text)


def test_nothing_found_is_no_error(client: TestClient) -> None:
    """
    The answer is empty.
    """
    assert "" == get(client, "nowhere")


def test_the_usual_address_says_where_to_scrape(client: TestClient) -> None:
    """
    Who tries ``/metrics`` first learns the address.
    """
    answer = client.get("/metrics")

    assert 404 == answer.status_code
    assert "/federate?match[]=" in answer.text
