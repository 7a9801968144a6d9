"""
This module checks the channels that are told of alerts, and what keeps them from harm.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.alerting.real import alertmanager_at
from tests.alerting.receiving import hook

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.notifying.alertmanagers import Alertmanager
from otel_confidence.alerting.notifying.channels import channel_of
from otel_confidence.alerting.notifying.channels.addresses import public_address
from otel_confidence.alerting.notifying.messages import Notification, Said, text, title, webhook
from otel_confidence.errors import ConfigurationError

HOSTS = frozenset({"127.0.0.1"})
NASTY = "<script>alert(1)</script>\n\x1b[31m=cmd|x" + "x" * 10_000


def notification(name: str = "1", *, over: bool = False, **labels: str) -> Notification:
    """A notification of one alert."""
    pairs = {"alertname": "A", "severity": "warning", **labels}
    said = Said(
        pairs, {"summary": "It is low", "runbook_url": "r"}, 0, 5 if over else None, "up > 0"
    )
    return Notification(name, "c", (("alertname", "A"),), (said,), 0, "http://127.0.0.1:9")


def test_a_webhook_gets_what_alertmanager_posts() -> None:
    """
    The body is Alertmanager's webhook JSON of version 4, and the id goes along in a header.
    """
    with hook() as told:
        channel_of(told.address, trusted_hosts=HOSTS).send(notification("id-1"))

    assert [webhook(notification())] == told.bodies
    assert ["id-1"] == told.keys
    assert {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels",
        "commonLabels", "commonAnnotations", "externalURL", "alerts",
    } == told.bodies[0].keys()  # fmt: skip
    assert {
        "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint",
    } == told.bodies[0]["alerts"][0].keys()  # fmt: skip
    assert '{}:{alertname="A"}' == told.bodies[0]["groupKey"]


@pytest.mark.parametrize("status", [301, 307, 400, 429, 500])
def test_a_webhook_that_does_not_accept_has_not_been_told(status: int) -> None:
    """
    Any status but success is a failure; a redirect is not followed.
    """
    with hook() as told, hook() as elsewhere:
        told.status, told.location = status, elsewhere.address
        with pytest.raises(ConnectionError, match=f"status {status}"):
            channel_of(told.address, trusted_hosts=HOSTS).send(notification())

        assert [] == elsewhere.bodies


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
     "0.0.0.0", "[fd00::1]", "224.0.0.1"],
)  # fmt: skip
def test_addresses_off_the_public_internet_are_refused_at_once(host: str) -> None:
    """
    A webhook on the host itself, in a private network or of a cloud's metadata is no channel.
    """
    with pytest.raises(ConfigurationError, match="not on the public internet") as raised:
        channel_of(f"http://{host}:9/?token=s3cret")

    assert "s3cret" not in f"{raised.value}"


def test_names_that_stand_for_such_addresses_are_refused_when_called() -> None:
    """
    No name is looked up before somebody is to be told; another spelling of 127.0.0.1 is a name too.
    """
    channel = channel_of("http://2130706433:9/?token=s3cret")

    with pytest.raises(ConfigurationError, match=r"is 127\.0\.0\.1, which is not on") as raised:
        channel.send(notification())

    assert "s3cret" not in f"{raised.value}{channel!r}{channel.name}"


def test_a_trusted_host_is_called() -> None:
    """
    A host that is named as trusted may be anywhere.
    """
    assert "127.0.0.1" == public_address("127.0.0.1", 80, HOSTS)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "ftp://a",
        "nonsense",
        "http://",
        "loud=http://a.b",
    ],
)
def test_other_addresses_are_refused_at_the_start(address: str) -> None:
    """
    What is neither a webhook nor a file nor known to Apprise is refused before anything runs.
    """
    with pytest.raises(ConfigurationError):
        channel_of(address)


def test_a_file_gets_each_notification_once(tmp_path: Path) -> None:
    """
    A line stands once though its notification is sent again, also after a line that was torn.
    """
    path = tmp_path / "told" / "alerts.jsonl"
    channel = channel_of(str(path))
    for name in ("1", "1", "2"):
        channel.send(notification(name))
    with path.open("a") as file:
        file.write('{"id": "3", "torn')
    for _ in range(2):
        channel.send(notification("3", over=True))
    lines = path.read_text().splitlines()

    assert ["1", "2", "3"] == [json.loads(line)["id"] for line in (*lines[:2], lines[3])]
    assert 4 == len(lines)
    assert "resolved" == json.loads(lines[3])["status"]


def test_apprise_is_given_text_for_people() -> None:
    """
    An address of Apprise gets a title and a text; a host that is not trusted is refused.
    """
    with hook() as told:
        address = told.address.replace("http", "json", 1)
        channel_of(f"warning={address}", trusted_hosts=HOSTS).send(notification())
        with pytest.raises(ConfigurationError, match="not on the public internet"):
            channel_of(address).send(notification())
    (body,) = told.bodies

    assert "[FIRING:1] A" == body["title"]
    assert "It is low" in body["message"]


def test_hostile_texts_are_tamed() -> None:
    """
    Control characters and endless texts of labels do not reach people; JSON escapes the rest.
    """
    nasty = notification(model=NASTY)
    shown = f"{title(nasty)}\n{text(nasty)}"

    assert "\x1b" not in shown
    assert len(shown) < 2_000
    assert json.loads(json.dumps(webhook(nasty)))["alerts"][0]["labels"]["model"] == NASTY


def _alert(at_ms: int, over_ms: int | None = None) -> Alert:
    return Alert(
        (("alertname", "A"), ("severity", "warning")), {"summary": "s"}, 1.0, at_ms,
        "firing" if over_ms is None else "inactive", fired_ms=at_ms, resolved_ms=over_ms,
        valid_ms=at_ms + 240_000, expression="up > 0",
    )  # fmt: skip


def test_an_alertmanager_that_is_down_is_told_the_latest_when_it_is_back() -> None:
    """
    What an Alertmanager could not take waits, of each alert only the last word.
    """
    with hook() as told:
        told.status = 503
        alertmanager = Alertmanager(told.address)
        alertmanager.take([_alert(0)])
        alertmanager.deliver(0)
        waiting, error = alertmanager.waiting, alertmanager.error
        alertmanager.take([_alert(0, over_ms=60_000)])
        told.status = 200
        alertmanager.deliver(500)
        early = list(told.bodies)
        alertmanager.deliver(60_000)
        alertmanager.close()

    assert (1, "it answered with status 503", []) == (waiting, error, early)
    assert ["1970-01-01T00:01:00.000Z"] == [each["endsAt"] for each in told.bodies[0]]
    assert (0, 1) == (alertmanager.waiting, alertmanager.sent)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[str]:
    """The address of a real Alertmanager."""
    with alertmanager_at(tmp_path) as url:
        yield url


def test_a_real_alertmanager_takes_alerts(real: str) -> None:
    """
    Alertmanager shows an alert it is told of, and no longer once it is told of the end.
    """
    now_ms = int(time.time() * 1000)
    alertmanager = Alertmanager(real, external_url="http://127.0.0.1:9")
    alertmanager.take([_alert(now_ms)])
    alertmanager.deliver(now_ms)
    shown = httpx.get(f"{real}/api/v2/alerts").json()
    alertmanager.take([_alert(now_ms, over_ms=now_ms)])
    alertmanager.deliver(now_ms)
    after = httpx.get(f"{real}/api/v2/alerts").json()
    alertmanager.close()

    assert ["A"] == [each["labels"]["alertname"] for each in shown]
    assert "http://127.0.0.1:9/graph?g0.expr=up+%3E+0&g0.tab=1" == shown[0]["generatorURL"]
    assert [] == after
