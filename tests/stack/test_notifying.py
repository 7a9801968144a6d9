"""This module checks whom the real Alertmanager tells, how often, and in which form."""

import os
import time
from collections.abc import Iterator, Mapping

import pytest
from tests.stack import hooks, notified, world
from tests.stack.notified import CHANNELS, INTERVAL_S, STARTED_S, WAIT_S, Told, moment, until

pytestmark = pytest.mark.xdist_group("notifying")
ONCE = dict.fromkeys(CHANNELS, 1)
NEVER = dict.fromkeys(CHANNELS, 0)
HOSTILE = "<script>alert(1)</script>\r\nBcc: all@evil.example\r\n\r\n<!channel>=\"'{{ . }}"
FLAPPING = {"alertname": "Flapping", "ml_model_name": "m"}
LONG = "x" * 10_000


@pytest.fixture(name="told", scope="module")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    world.required()
    with notified.started(tmp_path_factory.mktemp("notified")) as told:
        yield told


def test_a_kill_makes_nobody_hear_twice_nor_of_what_is_inhibited(told: Told) -> None:
    """
    After a kill nothing is told again, although Prometheus sends first what another alert inhibits.
    """
    source = {"alertname": "CollectorDown", "severity": "critical", "topic": "pipeline"}
    begin = moment(0)
    told.alert(source)
    until(lambda: told.times("CollectorDown") == ONCE)
    remembered = told.stack.file(notified.NAME, "/alertmanager/nflog")
    until(lambda: remembered.exists() and remembered.read_bytes().count(b"CollectorDown") >= 4)
    model = until(lambda: _inhibited_past_a_kill(told, source, begin))
    told.mark()
    told.mark()

    assert ONCE == told.times("CollectorDown")
    assert NEVER == told.times(model)
    assert ({"active"}, {"suppressed"}) == (
        told.state("CollectorDown"), told.state("ModelTrafficStopped")
    )  # fmt: skip


def _inhibited_past_a_kill(told: Told, source: Mapping[str, str], begin: str) -> str:
    """
    The model of an alert that was sent first after a kill, and only then what inhibits it.

    Empty where the machine was so slow that Alertmanager had waited for that long enough.
    """
    model = f"m-{os.urandom(4).hex()}"
    target = {"alertname": "ModelTrafficStopped", "severity": "critical", "ml_model_name": model}
    told.alert(source, target, since=begin)
    told.stack.kill(notified.NAME)
    killed = time.monotonic()
    told.stack.restart(notified.NAME)
    told.alert(target, since=begin)
    sent = time.monotonic()
    until(lambda: time.monotonic() > sent + 2 * WAIT_S)  # any group would have been told by now
    told.alert(source, target, since=begin)
    return model if time.monotonic() < killed + STARTED_S else ""


def test_an_alert_that_flaps_is_told_once_in_an_interval(told: Told) -> None:
    """
    However often a model's alerts come and go, its group is told at most once in an interval.
    """
    began = time.time()
    changes: list[str] = []

    def flapped() -> bool:
        """One alert of the group begins and the one before it ends; whether three were told."""
        features = [f"feature {(len(changes) + back) % 10}" for back in (1, 0)]
        now, before = ({**FLAPPING, "ml_feature_name": each} for each in features)
        told.alert(now)
        told.alert(before, ended=True)
        changes.append(features[0])
        return len(told.posts("Flapping")) >= 3

    until(flapped)
    times = [post["time"] for post in told.posts("Flapping")]

    assert len(changes) > 3 * len(times)
    assert [] == [
        number for number, when in enumerate(times) if when < began + WAIT_S + number * INTERVAL_S
    ]


def test_what_is_refused_is_told_once_it_is_taken(told: Told) -> None:
    """
    While webhooks answer 500 and no mail server is there it is tried again, then told once.
    """
    hooks.answer(told.hooks, 500)
    told.stack.stop("mail")
    told.alert({"alertname": "Refused", "severity": "critical"})
    until(lambda: len(told.posts("Refused", status=500)) > 1)
    before = told.times("Refused")
    hooks.answer(told.hooks)
    told.stack.restart("mail")
    until(lambda: all(told.times("Refused").values()))
    told.mark()

    assert NEVER == before
    assert ONCE == told.times("Refused")


def test_who_is_slow_is_told_once(told: Told) -> None:
    """
    An answer that takes longer than a group's interval makes nobody hear twice.
    """
    hooks.answer(told.hooks, after_s=INTERVAL_S + 1)
    told.alert({"alertname": "Slow", "severity": "critical"})
    until(lambda: all(told.times("Slow").values()))
    [post] = told.posts("Slow")
    until(lambda: time.time() > post["time"] + INTERVAL_S + 1 + WAIT_S)  # it was answered
    hooks.answer(told.hooks)
    told.mark()

    assert ONCE == told.times("Slow")


@pytest.fixture(name="hostile", scope="module")
def _hostile(told: Told) -> Told:
    """Everybody was told of a model with a hostile name, and of one with a very long one."""
    models = {"Hostile": HOSTILE, "Long": LONG}
    for name, model in models.items():
        told.alert({"alertname": name, "severity": "critical", "ml_model_name": model})
    until(lambda: all(told.times(name) == ONCE for name in models))
    return told


def test_machines_get_hostile_labels_as_they_are(hostile: Told) -> None:
    """
    In the JSON for the webhook and for PagerDuty a label is one text, whatever it holds.
    """
    [webhook], [page] = hostile.said("webhook", "Hostile"), hostile.said("pagerduty", "Hostile")
    [long] = hostile.said("pagerduty", "Long")

    assert HOSTILE == webhook["commonLabels"]["ml_model_name"]
    assert HOSTILE == page["payload"]["component"]
    assert f"[FIRING 1] Hostile {HOSTILE}" == page["payload"]["summary"]
    assert f"firing (critical) {HOSTILE} is wrong\n" in page["payload"]["custom_details"]["text"]
    assert f"[FIRING 1] Long {'x' * 200}…" == long["payload"]["summary"]


def test_slack_shows_hostile_labels_and_obeys_none(hostile: Told) -> None:
    """
    Nothing that Slack would take for a mention or a link is left, and nothing is very long.
    """
    [slack], [long] = hostile.said("slack", "Hostile"), hostile.said("slack", "Long")
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;"

    assert slack["attachments"][0]["title"].startswith(f"[FIRING 1] Hostile {shown}")
    assert slack["attachments"][0]["text"].startswith(f"firing (critical) {shown}")
    assert {"<", ">"}.isdisjoint(str(slack))
    assert len(str(long)) < 5_000


def test_a_mail_shows_hostile_labels_and_obeys_none(hostile: Told) -> None:
    """
    A label adds no header and no recipient to a mail, and stands in plain text, never in HTML.
    """
    [mail], [long] = hostile.mails("Hostile"), hostile.mails("Long")
    [part] = mail.message.iter_parts()
    headers = {"Subject", "From", "To", "Message-Id", "Date", "Content-Type", "MIME-Version"}

    assert ["model-team@example.com"] == mail.to
    assert headers == set(mail.message.keys())
    assert "text/plain" == part.get_content_type()
    assert f"firing (critical) {HOSTILE} is wrong" in part.get_content()
    assert f"[FIRING 1] Long {'x' * 200}…" == long.message["Subject"]
