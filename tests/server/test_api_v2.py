"""
This module checks Alertmanager's HTTP API with its own tool, and against a real Alertmanager.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from starlette.applications import Starlette
from tests.alerting.real import alertmanager_at, amtool
from tests.running import until
from tests.server.watched import watched

from otel_confidence.alerting.notifying.notifier import Inhibition
from otel_confidence.alerting.service import Alerting
from otel_confidence.server import api_v2, ports
from otel_confidence.server.guard import Guard

BUSY = "ModelIsBusy"
"""The alert of the watched past that fires."""
BURNING = "SLOBudgetBurnsSlowly"
"""One that is not worth telling while the other fires."""


@contextmanager
def serving(alerting: Alerting) -> Iterator[str]:
    """The address of the API, which is served for as long as the block lasts."""
    app = Guard(Starlette(routes=api_v2.routes(alerting, external_url="http://127.0.0.1:9")))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    listening = ports.listen("127.0.0.1", 0, "--port")
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module", name="url")
def _url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API over some minutes in which alerts fired."""
    folder = tmp_path_factory.mktemp("watched")
    told = [str(folder / "told.jsonl"), f"critical={folder / 'graver.jsonl'}"]
    graver = Inhibition({"alertname": BUSY}, {"alertname": BURNING}, ())
    past = watched(folder, time.time(), minutes=10, notify=told, inhibitions=[graver])
    with (
        past as (_, alerting),
        serving(alerting) as url,
    ):
        yield url


@pytest.fixture(scope="module", name="real")
def _real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager."""
    with alertmanager_at(tmp_path_factory.mktemp("alertmanager")) as url:
        yield url


def at(**ahead: float) -> str:
    """A time that far from now."""
    return (datetime.now(timezone.utc) + timedelta(**ahead)).isoformat()


def silence(**changed: Any) -> dict[str, Any]:
    """A silence as it is posted."""
    matcher = {"name": "alertname", "value": "Nothing", "isRegex": False, "isEqual": True}
    return {
        "matchers": [matcher], "startsAt": at(), "endsAt": at(hours=1), "createdBy": "me",
        "comment": "known", **changed,
    }  # fmt: skip


def test_amtool_silences_what_fires_and_lifts_it_again(url: str) -> None:
    """
    The real tool adds a silence, finds it by its matcher, sees the alert suppressed, and ends it.
    """
    tool = ("--alertmanager.url", url)
    told = ("--author=me", "--comment=rehearsal", "--duration=2h")
    before = amtool("alert", "query", *tool, BUSY)
    made = amtool("silence", "add", *tool, *told, f"alertname={BUSY}", "severity=~crit.*").strip()
    listed = amtool("silence", "query", *tool, f"alertname={BUSY}")
    others = amtool("silence", "query", *tool, "--quiet", "alertname=Elsewhere")
    silenced = amtool("alert", "query", *tool, "--silenced", BUSY)
    active = amtool("alert", "query", *tool, BUSY)
    amtool("silence", "expire", *tool, made)
    after = amtool("alert", "query", *tool, f'alertname="{BUSY}"', "severity=critical")
    expired = amtool("silence", "query", *tool, "--expired", "--quiet")

    assert BUSY in before
    assert "active" in before
    assert made in listed
    assert "rehearsal" in listed
    assert "" == others
    assert "suppressed" in silenced
    assert BUSY not in active
    assert "active" in after
    assert made in expired.split()


def test_amtool_extends_a_silence_and_looks_at_who_is_told(url: str, tmp_path: Path) -> None:
    """
    The real tool changes the end of a silence, and routes alerts by the configuration it is given.
    """
    tool = ("--alertmanager.url", url)
    made = amtool("silence", "add", *tool, "--comment=c", "alertname=Other").strip()
    same = amtool("silence", "update", *tool, "--duration=9h", made)
    shown = httpx.get(f"{url}/api/v2/silence/{made}").json()
    config = tmp_path / "config.yml"
    config.write_text(httpx.get(f"{url}/api/v2/status").json()["config"]["original"])
    routes = [
        amtool("config", "routes", "test", f"--config.file={config}", f"severity={each}").strip()
        for each in ("warning", "critical")
    ]

    all_of_them, graver = [each["name"] for each in httpx.get(f"{url}/api/v2/receivers").json()]
    length = datetime.fromisoformat(shown["endsAt"].replace("Z", "+00:00")) - datetime.now(
        timezone.utc
    )
    assert made in same
    assert length > timedelta(hours=8)
    assert [all_of_them, f"{all_of_them},{graver}"] == routes
    assert "SUCCESS" in amtool("check-config", str(config))
    assert yaml.safe_load(config.read_text())["route"]["routes"][0]["group_wait"] == "0s"


def test_alerts_stand_in_the_groups_of_each_channel(url: str) -> None:
    """
    Every channel's groups hold the alerts that it takes, with what they are and since when.
    """
    found = httpx.get(f"{url}/api/v2/alerts/groups").json()

    assert 2 == len({each["receiver"]["name"] for each in found})
    (busy,) = {
        json.dumps(alert, sort_keys=True)
        for group in found
        for alert in group["alerts"]
        if group["labels"] == {"alertname": BUSY, "ml_model_name": "digits"}
    }
    shown = json.loads(busy)
    assert {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []} == shown[
        "status"
    ]
    assert 2 == len(shown["receivers"])
    assert shown["startsAt"] < shown["endsAt"]
    assert shown["generatorURL"].startswith("http://127.0.0.1:9/graph?g0.expr=digits")


def test_alerts_are_chosen_by_receiver_and_matcher(url: str) -> None:
    """
    A receiver is a regular expression, and matchers compare as in silences.
    """
    (name,) = [
        each["receiver"]["name"]
        for each in httpx.get(f"{url}/api/v2/alerts/groups").json()
        if each["labels"]["alertname"] == BURNING
    ]

    def names(**asked: Any) -> set[str]:
        found = httpx.get(f"{url}/api/v2/alerts", params=asked).json()
        return {each["labels"]["alertname"] for each in found}

    assert BUSY in names(receiver=".*")
    assert set() == names(receiver="nobody")
    assert names(receiver=name) == names()
    assert {BUSY} == names(filter=['severity="critical"', "team=vision"])
    assert BUSY not in names(filter='team=""')
    assert {BURNING} == names(active="false")
    assert BURNING not in names(inhibited="false")


def test_an_alert_says_which_others_hold_it_back(url: str) -> None:
    """
    What an inhibition suppresses names the alert that does it, by its fingerprint.
    """
    found = {each["labels"]["alertname"]: each for each in httpx.get(f"{url}/api/v2/alerts").json()}

    status = found[BURNING]["status"]
    assert ("suppressed", [found[BUSY]["fingerprint"]]) == (status["state"], status["inhibitedBy"])


def outline(content: Any) -> Any:
    """What JSON is made of, without what is different each time."""
    if isinstance(content, dict):
        return {name: outline(value) for name, value in sorted(content.items())}
    if isinstance(content, list):
        return [outline(each) for each in content]
    return type(content).__name__


def asked(url: str, known: str) -> list[tuple[int, Any]]:
    """What an API answers to the same requests: status and outline."""
    other = "00000000-0000-0000-0000-000000000000"
    longer = silence(id=known, endsAt=at(hours=9), startsAt=at(hours=1))
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/silences?filter=alertname%3DNothing", None),
        ("GET", "/silences?filter=alertname%3D~Nothing", None),
        ("GET", "/silences?filter=nothing", None),
        ("GET", f"/silence/{known}", None),
        ("GET", f"/silence/{other}", None),
        ("POST", "/silences", silence(id=other)),
        ("POST", "/silences", silence(endsAt=at(hours=-1))),
        ("POST", "/silences", silence(startsAt=at(hours=2))),
        ("POST", "/silences", silence(matchers=[])),
        ("POST", "/silences", longer),
        ("POST", "/silences", silence(matchers=[{"name": "a", "value": "(", "isRegex": True}])),
        ("POST", "/silences", silence(matchers=[{"name": "a", "value": ".*", "isRegex": True}])),
        ("DELETE", f"/silence/{other}", None),
        ("GET", "/alerts?filter=alertname%3DNothing", None),
        ("GET", "/alerts?filter=nothing", None),
        ("GET", "/alerts?receiver=%28", None),
        ("GET", "/alerts/groups?filter=alertname%3DNothing", None),
        ("DELETE", f"/silence/{known}", None),
    ]
    found = []
    for method, path, body in requests:
        answer = httpx.request(method, f"{url}/api/v2{path}", json=body)
        content = outline(answer.json()) if answer.content else None
        # Of a body that is no silence at all Alertmanager says 422, and why in an object.
        refused = answer.status_code in (400, 422)
        found.append((400, None) if refused else (answer.status_code, content))
    return found


def test_answers_are_made_like_alertmanagers(url: str, real: str) -> None:
    """
    Silences that are made, changed, looked for, refused and ended get the same answers from both.
    """
    ours, theirs = (
        asked(each, httpx.post(f"{each}/api/v2/silences", json=silence()).json()["silenceID"])
        for each in (url, real)
    )

    assert 8 == sum(status == 400 for status, _ in theirs)
    assert theirs == ours


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"comment": " "}, "a silence needs a comment that says why"),
        ({"endsAt": None}, "endsAt must be a time such as"),
        ({"startsAt": "1"}, "startsAt must be a time such as"),
        ({"startsAt": "2026-13-01T00:00:00Z"}, "startsAt: cannot parse"),
        ({"createdBy": 7}, "createdBy must be a text, got 7"),
        ({"matchers": {}}, "matchers must be a list"),
        ({"matchers": ["a"]}, "a matcher must be an object"),
        ({"matchers": [{"name": "a b", "value": "c", "isRegex": False}]}, "must be like severity"),
        ({"matchers": [{"name": "a", "value": 1, "isRegex": False}]}, "value of the matcher a"),
        ({"matchers": [{"name": "a", "value": "b"}]}, "isRegex and isEqual of the matcher a"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_silence_is_refused_with_its_fault(
    url: str, changed: dict[str, Any], reason: str
) -> None:
    """
    What is wrong with a silence is said in a text, and nothing is kept.
    """
    before = httpx.get(f"{url}/api/v2/silences").json()
    answer = httpx.post(f"{url}/api/v2/silences", json=silence(**changed))

    assert 400 == answer.status_code
    assert reason in answer.json()
    assert before == httpx.get(f"{url}/api/v2/silences").json()


def test_forms_and_endless_bodies_are_refused(url: str) -> None:
    """
    A form, which a foreign page could post, JSON that is none and a body without end are refused.
    """
    address = f"{url}/api/v2/silences"
    kind = {"Content-Type": "application/json"}

    assert 415 == httpx.post(address, data={"comment": "x"}).status_code
    assert 400 == httpx.post(address, content="{", headers=kind).status_code
    assert 400 == httpx.post(address, json=[]).status_code
    assert 413 == httpx.post(address, content="1" * 70_000, headers=kind).status_code
    assert 405 == httpx.post(f"{url}/api/v2/alerts", json=[]).status_code
