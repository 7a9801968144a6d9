"""
This module tests the pages of alerts, rules and objectives over their addresses.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from tests.server.watched import HOSTILE, WatchedStore, watched

from otel_confidence.alerting.alerts import ALERTS
from otel_confidence.alerting.service import Alerting
from otel_confidence.objectives import read_text
from otel_confidence.points import NAME_LABEL, Matcher, Selection
from otel_confidence.query.promql import Engine
from otel_confidence.server import pages
from otel_confidence.server.guard import Guard

NOW = 1_800_000_000.0
World = tuple[WatchedStore, Alerting]
SILENCE = {"matchers": 'alertname="ModelIsBusy"', "duration": "90m", "comment": "known", "by": "A"}


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Half an hour in which alerts fired and a budget burned."""
    folder = tmp_path_factory.mktemp("watched")
    with watched(folder, NOW, notify=[str(folder / "told.jsonl")]) as made:
        yield made


async def ask(
    world: World, path: str, form: dict[str, str] | None = None, **headers: str
) -> httpx.Response:
    """The answer to a request, or to a form that is posted."""
    store, alerting = world
    routes = pages.routes(Engine(store), store, alerting=alerting, now=lambda: NOW)
    transport = httpx.ASGITransport(Guard(Starlette(routes=routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        if form is None:
            return await client.get(path)
        return await client.post(path, data=form, headers=headers)


async def parts(world: World, page: str) -> dict[str, str]:
    """The parts of a page as its script gets them."""
    found: dict[str, str] = (await ask(world, f"/pages/{page}.json")).json()["parts"]
    return found


async def test_every_page_leads_to_every_other(world: World) -> None:
    """
    The navigation stands on each page, which is marked in it.
    """
    places = {"/": "Models", "/alerts": "Alerts", "/rules": "Rules", "/slos": "SLOs"}
    marked = {}

    for path in places:
        text = (await ask(world, path)).text
        marked[path] = re.findall(r'aria-current="page">(\w+)<', text)
        assert all(f'href="{other}"' in text for other in places)

    assert {path: [name] for path, name in places.items()} == marked


async def test_alerts_that_fire_and_wait_are_shown(world: World) -> None:
    """
    The page of alerts names what fires before what waits, with severity, value and runbook.
    """
    found = await parts(world, "alerts")

    active = found["active"]
    assert active.index("ModelIsBusy") < active.index("ModelStaysBusy")
    assert "digits makes 1 predictions a second" in active
    assert 'href="https://runbooks.example.org/busy"' in active
    assert 'href="http://127.0.0.1:8050/models/?name=digits"' in active
    assert "pending" in active
    assert "ModelWasBusyOnce" in found["history"]
    assert "goes on" in found["history"]
    assert "sent" in found["channels"]


async def test_models_show_what_fires_about_them(world: World) -> None:
    """
    The list and a model's own page name the alerts that fire, not those that wait.
    """
    listed, own = [(await ask(world, path)).text for path in ("/", "/models/digits")]

    assert '<span class="badge grave">ModelIsBusy</span>' in listed
    assert '<span class="badge grave">ModelIsBusy</span>' in own
    assert '<a href="/alerts">What to do</a>' in own
    assert "ModelStaysBusy" not in listed + own


async def test_what_alerts_say_never_becomes_markup_or_script(world: World) -> None:
    """
    Annotations are shown as text, and a link of theirs leads to web addresses alone.
    """
    text = (await ask(world, "/alerts")).text

    assert HOSTILE not in text
    assert "&lt;script&gt;window.attacked" in text
    assert "javascript:" not in text


async def test_an_alert_leads_to_the_form_that_silences_it(world: World) -> None:
    """
    The link beside an alert fills the form with matchers of exactly this alert.
    """
    active = (await parts(world, "alerts"))["active"]
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/alerts[^"]*)"', active)]
    link = next(each for each in links if "ModelIsBusy" in each)

    text = (await ask(world, link)).text

    wanted = 'alertname="ModelIsBusy"\nml_model_name="digits"\nseverity="critical"\nteam="vision"'
    assert [wanted] == parse_qs(urlsplit(link).query)["matchers"]
    assert wanted.replace('"', "&#34;") in text


async def test_a_silence_is_made_and_lifted(world: World) -> None:
    """
    The form makes a silence from now on; its button takes it back, twice without harm.
    """
    made = await ask(world, "/alerts", SILENCE)
    (silence,) = world[1].silencing.all()
    shown = await parts(world, "alerts")
    lifted = [await ask(world, f"/alerts/silences/{silence.id}/lift", {}) for _ in range(2)]

    assert (303, "/alerts#silences") == (made.status_code, made.headers["location"])
    assert (int(NOW * 1000), int(NOW * 1000) + 90 * 60_000, "known", "A") == (
        silence.starts_ms,
        silence.ends_ms,
        silence.comment,
        silence.by,
    )
    assert f"/alerts/silences/{silence.id}/lift" in shown["silences"]
    assert "firing, silenced" in shown["active"]
    assert [303, 303] == [each.status_code for each in lifted]
    assert [] == world[1].silencing.all()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        pytest.param({"matchers": ""}, "at least one matcher", id="no matcher"),
        pytest.param({"matchers": "severity"}, "expected matchers such as", id="no operator"),
        pytest.param({"duration": "soon"}, "expected a duration such as", id="no duration"),
        pytest.param({"duration": "0s"}, "must end after its start", id="no length"),
        pytest.param({"comment": " "}, "a comment that says why", id="no comment"),
    ],
)
async def test_a_wrong_silence_is_explained_and_nothing_is_lost(
    world: World, wrong: dict[str, str], reason: str
) -> None:
    """
    What is wrong stands above the form, which keeps what was written.
    """
    answer = await ask(world, "/alerts", {**SILENCE, "by": "Grace", **wrong})

    assert 400 == answer.status_code
    assert reason in answer.text
    assert 'value="Grace"' in answer.text
    assert [] == world[1].silencing.all()


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_pages_elsewhere_cannot_silence(world: World, origin: str) -> None:
    """
    A form of a foreign page, or of one that hides where it is from, is refused.
    """
    answer = await ask(world, "/alerts", SILENCE, Origin=origin)

    assert 403 == answer.status_code
    assert [] == world[1].silencing.all()


async def test_a_form_that_is_too_large_is_refused(world: World) -> None:
    """
    A body beyond 64 KiB is not read.
    """
    answer = await ask(world, "/alerts", {**SILENCE, "comment": "x" * 70_000})

    assert 413 == answer.status_code


async def test_rules_are_shown_with_their_health(world: World) -> None:
    """
    The page of rules shows every group and rule, and above them the one that fails with its error.
    """
    found = await parts(world, "rules")

    assert "digits:broken" in found["failing"]
    assert "many-to-many" in found["failing"]
    assert "digits:predictions:rate5m" in found["groups"]
    assert "otel-confidence-slo-digits-accuracy-long" in found["groups"]
    assert 5 == found["groups"].count('class="group"')


async def test_budgets_are_shown_least_first_with_their_burn(world: World) -> None:
    """
    The page of objectives shows each budget, how the chosen one burned, and breaches.
    """
    first: dict[str, Any] = (await ask(world, "/pages/slos.json")).json()
    other = (await ask(world, "/pages/slos.json?slo=digits-availability&window=24h")).json()

    budgets = first["parts"]["budgets"]
    assert budgets.index("digits-accuracy") < budgets.index("digits-availability")
    assert "90 % over 28 d" in budgets
    assert "digits-accuracy" in first["parts"]["chosen"]
    assert "digits-availability" in other["parts"]["chosen"]
    assert "ticket" in first["parts"]["breaches"]
    assert all(first["figures"].values())
    assert first["figures"]["burn"] != other["figures"]["burn"]


class JustStarted(WatchedStore):
    """
    A store in which no alert is recorded yet.
    """

    def __init__(self, store: WatchedStore) -> None:
        super().__init__()
        self._store = store

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = 0
    ) -> list[Selection]:
        """
        What else the store has.
        """
        found = self._store.select(matchers, start_ms, end_ms, max_samples=max_samples)
        return [each for each in found if dict(each.labels)[NAME_LABEL] != ALERTS]


async def test_an_objectives_alert_is_shown_before_it_is_recorded(world: World) -> None:
    """
    What fires stands beside its objective from the start, as it does among breaches.
    """
    store, alerting = world

    found = await parts((JustStarted(store), alerting), "slos")

    row = found["budgets"].partition("digits-accuracy")[2].partition("</tr>")[0]
    assert "goes on" in found["breaches"]
    assert "ticket" in row


async def test_without_objectives_the_page_tells_how_to_declare_them(tmp_path: Path) -> None:
    """
    An empty page holds a file of objectives that is right, and the option that takes it.
    """
    with watched(tmp_path, NOW, minutes=1) as (_, alerting):
        text = (await ask((WatchedStore(), alerting), "/slos")).text

    (example,) = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.DOTALL)
    assert ["my-model-accuracy"] == [each.id for each in read_text(example)]
    assert "otel-confidence up --objectives otel-confidence.yaml" in text
    assert 'data-state="empty"' in text
