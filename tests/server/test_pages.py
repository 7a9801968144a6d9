"""
This module tests the pages over their addresses: what they show, escape, refuse and allow.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from starlette.applications import Starlette
from tests.model_history import History, Memory

from otel_confidence.errors import StoreError
from otel_confidence.points import Batch, Matcher, Selection, Span
from otel_confidence.query.promql import Engine
from otel_confidence.server import formats, pages
from otel_confidence.store import Store

NOW = 1_800_000_000.0
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
NAMES = [
    pytest.param(HOSTILE, id="markup"),
    pytest.param("a/b//c/../d", id="slashes"),
    pytest.param("..", id="dots that a browser would resolve"),
    pytest.param(".", id="a dot"),
    pytest.param("a.json", id="a file's suffix"),
    pytest.param("line\nbreak\r\t\x00", id="control characters"),
    pytest.param("x" * 10_000, id="ten kilobytes"),
    pytest.param("模型 é 😀?#%2F&=+;", id="unicode and what addresses are made of"),
    pytest.param('{{ 7 * 7 }}{% raw %}"\\', id="template and PromQL"),
]


class NoStore:
    """
    Holds no event and no span.
    """

    def sql(self, statement: str, parameters: Mapping[str, Any]) -> pa.Table:
        """
        No rows.
        """
        assert statement
        assert parameters
        return pa.table({})


class BrokenStore(NoStore):
    """
    Cannot read.
    """

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        *,
        max_samples: int = 0,
    ) -> list[Selection]:
        """
        Always fails.
        """
        assert (matchers, start_ms < end_ms, max_samples >= 0) == (matchers, True, True)
        raise StoreError("the disk is full")


class Page(HTMLParser):
    """
    The elements and texts of a page, as a browser's parser sees them.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Keep the element.
        """
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """
        Keep the text.
        """
        self.texts.append(data.strip())

    def links(self) -> list[str]:
        """
        Where the links lead.
        """
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]


def history(model: str = "digits", **values: object) -> History:
    """
    A model that predicted for the last ten minutes.
    """
    return History(model, NOW - 600, NOW, **values)  # type: ignore[arg-type]  # as given


async def get(path: str, *histories: History, app: Starlette | None = None) -> httpx.Response:
    """
    The answer to one request, over these histories.
    """
    routes = pages.routes(Engine(Memory(*histories)), NoStore(), now=lambda: NOW)
    transport = httpx.ASGITransport(app or Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


async def data(path: str, *histories: History) -> dict[str, Any]:
    """
    A page's data.
    """
    answer = await get(path, *histories)
    assert 200 == answer.status_code
    found: dict[str, Any] = answer.json()
    return found


async def test_models_are_listed_worst_first() -> None:
    """
    The first page shows every model's key figures, the most overconfident on top.
    """
    wrong = history("wrong", rightness=lambda t: np.full(len(t), 0.2), seed=8)

    answer = await get("/", history("good"), wrong)

    page = Page(answer.text)
    assert ["/models/wrong?window=15m", "/models/good?window=15m"] == [
        link for link in page.links() if link.startswith("/models/")
    ]
    assert 1 == page.texts.count("overconfident")


async def test_empty_page_says_how_to_get_data() -> None:
    """
    Without data the page shows the lines to write and the address to send to.
    """
    routes = pages.routes(
        Engine(Memory()), NoStore(), otlp_http="http://127.0.0.1:9876", now=lambda: NOW
    )

    answer = await get("/", app=Starlette(routes=routes))

    assert "No model has reported yet" in answer.text
    assert "import otel_confidence as oc" in answer.text
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9876" in answer.text
    assert 'data-state="empty"' in answer.text


async def test_a_models_data_has_all_figures() -> None:
    """
    A model's data holds its key figures as HTML and five figures whose colors are CSS variables.
    """
    found = await data("/pages/models/digits.json", history())

    assert ["confidence", "latency", "reliability", "traffic", "truth"] == sorted(found["figures"])
    assert all(figure["data"] for figure in found["figures"].values())
    assert "var(--confidence)" in json.dumps(found["figures"])
    assert "with known truth" in found["parts"]["summary"]
    assert "filled" == found["state"]


async def test_a_model_that_has_just_begun_has_figures_in_the_longest_window() -> None:
    """
    A day's curves have no point yet since it began; they are drawn over the last minutes.
    """
    end = NOW + 100
    young = History("digits", NOW + 10, end)
    routes = pages.routes(Engine(Memory(young)), NoStore(), now=lambda: end)

    answer = await get("/pages/models/digits.json?window=24h", app=Starlette(routes=routes))

    assert all(figure["data"] for figure in answer.json()["figures"].values())


async def test_figures_without_data_are_null() -> None:
    """
    A model whose truth nobody recorded has no reliability diagram, but confidence and latency.
    """
    found = (await data("/pages/models/digits.json", history(labeled=False)))["figures"]

    assert [None, None] == [found["truth"], found["reliability"]]
    assert all(found[name] for name in ("confidence", "latency", "traffic"))


async def test_an_unknown_model_is_empty() -> None:
    """
    A model that did not report in this time shows the empty state rather than zeros.
    """
    found = await data("/pages/models/nobody.json", history())

    assert "empty" == found["state"]
    assert "Nothing from this model" in found["parts"]["summary"]
    assert {None} == set(found["figures"].values())


async def test_a_model_that_never_reported_has_no_page(tmp_path: Any) -> None:
    """
    A name nobody reported under is answered 404 with a way back; a silent model keeps its page.
    """
    store = Store.open(tmp_path / "data", retention_days=10_000)
    try:
        store.write(history("digits & co").batch())
        later = lambda: NOW + 7200  # noqa: E731  a clock
        app = Starlette(routes=pages.routes(Engine(store), store, now=later))

        paths = "/models/nosuch", "/models/digits%20&%20co", "/models/digits%20&%20co?version=9"
        answers = [await get(path, app=app) for path in paths]
    finally:
        store.close()

    assert [404, 200, 404] == [each.status_code for each in answers]
    assert "/" in Page(answers[0].text).links()
    assert "No model nosuch has reported." in answers[0].text
    assert "a longer time may show it" in answers[1].text
    assert "has reported in version 9." in answers[2].text


async def test_a_version_is_chosen_among_all() -> None:
    """
    With one version shown, the selector still offers the others and keeps window and choice.
    """
    models = history(), history(version="2", seed=8)

    page = Page((await get("/models/digits?version=2&window=1h", *models)).text)

    options = [attributes for tag, attributes in page.tags if tag == "option"]
    assert ["", "1", "2"] == [option["value"] for option in options]
    assert ["2"] == [option["value"] for option in options if "selected" in option]
    assert "/models/digits?window=6h&version=2" in page.links()


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_leads_to_its_own_page(name: str) -> None:
    """
    The link in the list opens the page of exactly that model, whose data is that model's.
    """
    listed = Page((await get("/", history(name))).text)
    (link,) = [link for link in listed.links() if link.startswith("/models/")]
    opened = await get(link, history(name))
    page = Page(opened.text)
    (main,) = [attributes for tag, attributes in page.tags if tag == "main"]

    found = await data(main["data-source"] or "", history(name))

    assert 200 == opened.status_code
    assert "filled" == found["state"]
    assert "filled" == main["data-state"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_never_become_markup(name: str) -> None:
    """
    Whatever a model and its version are called, the pages' elements are their own alone.
    """
    hostile = history(name, version=name)
    expected = await get("/models/digits", history()), await get("/", history())

    shown = await get(formats.model_url(name), hostile), await get("/", hostile)

    for plain, answer in zip(expected, shown, strict=True):
        found = [tag for tag, _ in Page(answer.text).tags if tag != "input"]
        assert [tag for tag, _ in Page(plain.text).tags] == found
        assert not any("onerror" in attributes for _, attributes in Page(answer.text).tags)


async def test_the_policy_allows_only_own_files() -> None:
    """
    Every page forbids inline scripts and foreign hosts, and holds to it.
    """
    for path in ("/", "/models/digits", f"/traces/{'0' * 32}", "/traces/x"):
        answer = await get(path, history())
        policy = answer.headers["content-security-policy"]

        assert policy.startswith("default-src 'self'; ")
        assert "script" not in policy
        assert "no-store" == answer.headers["cache-control"]
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)|\son\w+=", answer.text)
        loaded = [
            attributes.get("src") or attributes.get("href") or ""
            for tag, attributes in Page(answer.text).tags
            if tag in {"script", "link", "img"}
        ]
        assert loaded
        assert all(address.startswith("/static/") for address in loaded)


async def test_files_are_kept_when_their_address_has_a_version() -> None:
    """
    Versioned files are kept for a year, others asked for each time; Plotly comes from its package.
    """
    page = Page((await get("/models/digits", history())).text)
    scripts = [attributes["src"] or "" for tag, attributes in page.tags if tag == "script"]

    answers = [await get(script) for script in scripts]

    assert ["/static/plotly.min.js", "/static/page.js"] == [s.partition("?")[0] for s in scripts]
    assert {"public, max-age=31536000, immutable"} == {a.headers["cache-control"] for a in answers}
    assert "plotly.js v" in answers[0].text[:200]
    assert "no-cache" == (await get("/static/page.css")).headers["cache-control"]
    assert 404 == (await get("/static/../pages.py")).status_code
    assert 404 == (await get("/static/%2e%2e%2fpages.py")).status_code


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/?window=2y", 400, id="a window that is not offered"),
        pytest.param("/models/digits?window=", 400, id="an empty window"),
        pytest.param("/traces/xyz", 404, id="a trace id that is none"),
        pytest.param(f"/traces/{'0' * 31}g", 404, id="a trace id with a wrong digit"),
    ],
)
async def test_wrong_addresses_are_explained(path: str, status: int) -> None:
    """
    A wrong window or trace id is answered with its status and what would be right.
    """
    page, found = await get(path), await get(f"/pages{path.replace('?', '.json?')}")

    assert status == page.status_code
    assert re.search(r"32 hexadecimal digits|one of 15m, 1h, 6h, 24h", page.text)
    assert "data-source" not in page.text
    assert 1 == page.text.count("<h1>")
    if "models" in path:
        assert (status, ["error"]) == (found.status_code, list(found.json()))


async def test_only_reading_is_allowed() -> None:
    """
    The pages answer GET and HEAD, nothing else.
    """
    routes = pages.routes(Engine(Memory()), NoStore())
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answers = [await client.request(method, "/") for method in ("HEAD", "POST", "DELETE")]

    assert [200, 405, 405] == [answer.status_code for answer in answers]


async def test_a_store_that_fails_is_said() -> None:
    """
    When the data cannot be read the page says why, keeps asking, and its data answers 503.
    """
    store = BrokenStore()
    app = Starlette(routes=pages.routes(Engine(store), store, now=lambda: NOW))

    page, found = await get("/", app=app), await get("/pages/models.json", app=app)

    assert [503, 503] == [page.status_code, found.status_code]
    assert "The data cannot be read: the disk is full" in page.text
    assert 'data-source="/pages/models.json?window=15m"' in page.text
    assert {"error": "the data cannot be read: the disk is full"} == found.json()


async def test_a_trace_shows_its_prediction_spans_and_events(tmp_path: Any) -> None:
    """
    From a model's page the latest low-confidence prediction leads to its trace.
    """
    made = history("digits & co", sureness=lambda t: np.full(len(t), 0.6))
    store = Store.open(tmp_path / "data", retention_days=10_000)
    try:
        store.write(made.batch())
        hostile = Span("ab" * 16, "1", "", HOSTILE, "SERVER", 1, 2, "ERROR", HOSTILE,
                       {HOSTILE: HOSTILE}, {"service.name": HOSTILE})  # fmt: skip
        store.write(Batch(spans=[hostile]))
        app = Starlette(routes=pages.routes(Engine(store), store, now=lambda: NOW))
        model = Page((await get("/models/digits%20%26%20co", app=app)).text)
        traces = [link for link in model.links() if link.startswith("/traces/")]

        page = await get(traces[0], app=app)
        found = (await get(f"/pages{traces[0]}.json", app=app)).json()
        nothing = (await get(f"/pages/traces/{'c' * 32}.json", app=app)).json()
        attacked = (await get(f"/pages/traces/{'ab' * 16}.json", app=app)).json()
    finally:
        store.close()

    assert 20 == len(traces)
    assert "ml.prediction.low_confidence" in page.text
    assert "predict digits &amp; co" in found["parts"]["spans"]
    names = found["figures"]["waterfall"]["layout"]["yaxis"]["ticktext"]
    assert ["POST /classify", "\u203a predict digits &amp; co"] == names
    assert ("empty", None) == (nothing["state"], nothing["figures"]["waterfall"])
    assert "<script" not in attacked["parts"]["spans"]
    assert "<script" not in json.dumps(attacked["figures"])
