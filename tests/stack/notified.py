"""
This module is Alertmanager alone, as docker-compose.yml starts it, with everybody whom it tells.

Its command and its files are the stack's own; delays are shortened, all in the same measure but the
wait after its start.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from tests import running
from tests.certificates import self_signed
from tests.stack import hooks, mail
from tests.stack.world import secrets
from tools.stack import Stack
from tools.stack.plan import COMPOSE, ROOT, Wishes, make

T = TypeVar("T")
NAME: Final = "alertmanager"
CHANNELS: Final = ("webhook", "slack", "pagerduty", "email")
WAIT_S: Final = 0.3
"""How long a group is waited for before it is told, seconds."""
INTERVAL_S: Final = 3.0
"""How long a group is left alone after it was told, seconds."""
STARTED_S: Final = 3.0
"""How long nobody is told anything after a start, seconds."""


def _text(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"


_PATIENCE_S: Final = 240.0
_ALERTS: Final = "/api/v2/alerts"
_FILES: Final = (
    COMPOSE,
    ROOT / "docker-compose.notify.yml",
    Path(__file__).with_name("notified.yml"),
)
_CERTIFICATE: Final = "/etc/alertmanager/mail.pem"
_SETTINGS: Final[Mapping[str, Any]] = {
    "route.group_wait": _text(WAIT_S),
    "route.group_interval": _text(INTERVAL_S),
    "route.routes.*.group_wait": _text(WAIT_S),
    "+global.pagerduty_url": f"http://hooks:{hooks.PORT}/pagerduty",
    "global.smtp_smarthost": f"mail:{mail.PORT}",
    "+global.smtp_tls_config": {"ca_file": _CERTIFICATE, "server_name": mail.NAME},
}
_FLAGS: Final = {"--dispatch.start-delay": _text(STARTED_S), "--data.maintenance-interval": "200ms"}


class Told:
    """Alertmanager, and what everybody was told."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._marks = 0
        self._client = httpx.Client(base_url=stack.url(NAME, 9093))

    @property
    def hooks(self) -> Path:
        """The folder of whoever is told by HTTP."""
        return self.stack.plan.starts["hooks"].folder

    def alert(self, *alerts: Mapping[str, str], since: str = "", ended: bool = False) -> None:
        """Tell Alertmanager of alerts, as Prometheus does each minute for as long as they fire."""
        begin = {"startsAt": since} if since else {}
        end = moment(-1 if ended else 600)
        body = [{"labels": a, "endsAt": end, "annotations": _texts(a), **begin} for a in alerts]
        self._client.post(_ALERTS, json=body).raise_for_status()

    def state(self, name: str) -> set[str]:
        """What Alertmanager says of an alert."""
        found = [a for a in self._client.get(_ALERTS).json() if a["labels"]["alertname"] == name]
        return {alert["status"]["state"] for alert in found}

    def posts(self, name: str, *, status: int = 200) -> list[Any]:
        """Posts about an alert to the webhook, taken or answered otherwise."""
        found = hooks.told(self.hooks, "/webhook", status=status)
        return [p for p in found if p["body"]["commonLabels"]["alertname"] == name]

    def said(self, channel: str, name: str) -> list[Any]:
        """What a channel of HTTP was told of an alert."""
        return [post["body"] for post in hooks.told(self.hooks, f"/{channel}") if name in str(post)]

    def mails(self, name: str) -> list[mail.Mail]:
        """Mails about an alert."""
        found = mail.mails(self.stack.plan.starts["mail"].folder)
        return [each for each in found if name in str(each.message["Subject"])]

    def close(self) -> None:
        """Ask nothing any more."""
        self._client.close()

    def times(self, name: str) -> dict[str, int]:
        """How often each channel was told of an alert."""
        by_http = {c: len(self.said(c, name)) for c in CHANNELS[:-1]}
        return {**by_http, "email": len(self.mails(name))}

    def mark(self) -> None:
        """Wait until everybody was told of something that is new now: all else was told before."""
        self._marks += 1
        name = f"Mark{self._marks:02}"
        self.alert({"alertname": name, "severity": "critical"})
        until(lambda: all(self.times(name).values()))


def until(found: Callable[[], T]) -> T:
    """Poll for as long as a busy machine may take."""
    return running.until(found, patience_s=_PATIENCE_S)


def moment(from_now_s: float) -> str:
    """A time as Prometheus writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + from_now_s))


def _texts(labels: Mapping[str, str]) -> dict[str, str]:
    """What a rule says of an alert."""
    return {"summary": f"{labels.get('ml_model_name', 'something')} is wrong", "description": "d"}


@contextmanager
def started(folder: Path) -> Iterator[Told]:
    """Alertmanager and whoever is told, ready; ended with the block."""
    overrides = {NAME: {"/etc/alertmanager/notify.yml": _SETTINGS}}
    given = {**secrets(), "smtp_password": mail.PASSWORD}
    wishes = Wishes(
        files=_FILES, overrides=overrides, secrets=given, flags={NAME: _FLAGS}, stand_ins=True
    )
    plan = make(folder, wishes)
    stack = Stack(replace(plan, starts={n: plan.starts[n] for n in ("hooks", "mail", NAME)}), print)
    made = self_signed(stack.plan.starts["mail"].folder, mail.NAME, f"DNS:{mail.NAME}")
    shutil.copy(made, stack.file(NAME, _CERTIFICATE))
    try:
        for name in stack.plan.starts:
            stack.start(name)
        stack.wait()
        with closing(Told(stack)) as told:
            yield told
        assert not stack.fallen, "\n".join(stack.fallen)
    finally:
        stack.close()
