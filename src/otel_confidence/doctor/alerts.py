"""
This module follows an alert: loaded by Prometheus, firing, and arrived at Alertmanager.

*Watchdog* always fires, so that it serves as the test signal and nobody is told of anything new.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import Door, excerpt, shown
from otel_confidence.doctor.told import ForeignError, Teller
from otel_confidence.generate.rules.stack import WATCHDOG

Waiting = Callable[[Callable[[], Any], float], Any]
"""Asks again until the answer is true or the patience is over, at the least so many seconds; gives
the last answer."""

SUBJECT: Final = "alert"
_RULES: Final = "rule files: see rule_files in prometheus.yml, then promtool check config"
_AGAIN_S: Final = 75.0
"""A Prometheus that does not know its Alertmanager yet tells it when it repeats, a minute later."""
_STALE_S: Final = 120.0
"""Alertmanager keeps what is no longer told for some minutes; Prometheus tells every minute."""
_LOGS: Final = "docker compose logs prometheus"


@dataclass(frozen=True, slots=True)
class AlertPath:
    """
    The way from a rule file to Alertmanager.
    """

    prometheus: Door
    alertmanager: Door
    waiting: Waiting

    def follow(self) -> Iterator[Check]:
        """
        A check for each place, up to the first where the alert is missing.
        """
        steps = {
            "its rule is loaded by Prometheus": self._loaded,
            f"{WATCHDOG} fires": self._firing,
            "Prometheus knows an Alertmanager": self._known,
            "in Alertmanager": self._arrived,
        }
        for place, step in steps.items():
            try:
                check = step(place)
            except ForeignError as error:
                check = Check.failing(SUBJECT, place, error.cause)
            yield check
            if check.status == "failed":
                return

    @property
    def _told(self) -> Teller:
        return Teller(self.prometheus, "Prometheus")

    def _loaded(self, place: str) -> Check:
        rules = self._told.rows("/api/v1/rules", "groups", "rules")
        broken = next((rule for rule in rules if rule.get("health") == "err"), None)
        if not any(rule.get("name") == WATCHDOG for rule in rules):
            return Check.failing(SUBJECT, place, _not_loaded(len(rules)))
        if broken is not None:
            said = excerpt(str(broken.get("lastError")))
            cause = Cause(f"the rule {broken.get('name')} fails: {said}", f"mend it; {_RULES}")
            return Check.doubtful(SUBJECT, place, cause)
        return Check(SUBJECT, place, "ok", f"{len(rules)} rules, none fails")

    def _firing(self, place: str) -> Check:
        if self.waiting(self._fires, 0):
            return Check(SUBJECT, place, "ok", "as always")
        late = Cause(
            "its rule is loaded, and does not fire",
            f"has it been evaluated since the start? {shown(self.prometheus.url)}/rules says when",
        )
        return Check.failing(SUBJECT, place, late)

    def _fires(self) -> bool:
        alerts = self._told.rows("/api/v1/alerts", "alerts")
        return any(_is_watchdog(a) and a.get("state") == "firing" for a in alerts)

    def _known(self, place: str) -> Check:
        known = self.waiting(self._listed, 0)
        if not known:
            none = Cause(
                "Prometheus tells nobody of alerts: no Alertmanager is configured",
                "name it under alerting.alertmanagers in prometheus.yml",
            )
            return Check.failing(SUBJECT, place, none)
        return Check(SUBJECT, place, "ok", ", ".join(shown(str(a.get("url"))) for a in known))

    def _listed(self) -> list[dict[str, Any]]:
        return self._told.rows("/api/v1/alertmanagers", "activeAlertmanagers")

    def _arrived(self, place: str) -> Check:
        if not self.alertmanager.url:
            return Check(SUBJECT, place, "skipped", "Alertmanager is left out")
        if self.waiting(self._there, _AGAIN_S if self._young() else 0):
            return Check(SUBJECT, place, "ok", f"{WATCHDOG} is there")
        ages = self._ages()
        lacks = (
            f"has not heard of {WATCHDOG} for {min(ages):.0f} s" if ages else f"has no {WATCHDOG}"
        )
        lost = Cause(
            f"{shown(self.alertmanager.url)} {lacks}: Prometheus does not reach it, or tells "
            "another one",
            f"compare the address with the one Prometheus knows; why it fails: {_LOGS}",
        )
        return Check.failing(SUBJECT, place, lost)

    def _there(self) -> bool:
        return any(age_s <= _STALE_S for age_s in self._ages())

    def _ages(self) -> list[float]:
        """
        For how long Alertmanager has not been told of it again, by its own clock.
        """
        path = "/api/v2/alerts"
        reply = self.alertmanager.get(path, filter=f'alertname="{WATCHDOG}"')
        now = self.alertmanager.now() + (reply.skew_s or 0.0)
        found = Teller(self.alertmanager, "Alertmanager").listed(reply, path)
        try:
            return [now - _moment(a["updatedAt"]) for a in found if _is_watchdog(a)]
        except (KeyError, TypeError, ValueError):
            return []

    def _young(self) -> bool:
        try:
            told = self._told.data("/api/v1/status/runtimeinfo")
            start, now = (_moment(told[name]) for name in ("startTime", "serverTime"))
        except (ForeignError, KeyError, TypeError, ValueError):
            return False
        return now - start < _AGAIN_S


def _not_loaded(others: int) -> Cause:
    return Cause(
        f"{others} other rules are loaded, not ours" if others else "no rule is loaded",
        f"mount prometheus/rules into Prometheus and name them in its {_RULES}",
    )


def _moment(text: str) -> float:
    """
    A time of RFC 3339 in UTC, to the second, as epoch seconds.
    """
    return datetime.fromisoformat(f"{text[: len('2026-01-01T00:00:00')]}+00:00").timestamp()


def _is_watchdog(alert: dict[str, Any]) -> bool:
    labels = alert.get("labels")
    return isinstance(labels, dict) and labels.get("alertname") == WATCHDOG
