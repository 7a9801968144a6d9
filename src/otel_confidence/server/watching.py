"""
This module composes what the pages of alerts, rules and objectives show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from otel_confidence import figures
from otel_confidence.alerting.notifying.book import Incident
from otel_confidence.alerting.notifying.silences import matcher_text
from otel_confidence.alerting.service import Alerting
from otel_confidence.objectives.recorded import SLO_ID, SLO_SEVERITY
from otel_confidence.points import Matcher
from otel_confidence.query.answers import Metrics
from otel_confidence.query.budgets import Budget, budgets, burning
from otel_confidence.server.rendering import Templates
from otel_confidence.server.silencing import LINE
from otel_confidence.server.views import Figures, View

PERIODS: Final = {"6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
"""The times that burn charts can show, seconds; the first unless asked otherwise."""
_HISTORY: Final = 50
_LOOKED_THROUGH: Final = 1000
"""Incidents among which those of objectives are looked for."""
_POINTS: Final = 240
_WATCHED: Final = ("alertname", "severity")
"""Labels that stand in a column of their own."""


@dataclass(frozen=True, slots=True)
class Watching:
    """
    One method a page; all of them block.
    """

    alerting: Alerting
    metrics: Metrics
    templates: Templates
    now: Callable[[], float]

    def alerts(self) -> View:
        """
        What fires and waits, what did, silences, and channels.
        """
        at_ms = int(self.now() * 1000)
        active, channels = self.alerting.alerts(at_ms), self.alerting.channels()
        silences = [each for each in self.alerting.silencing.all() if each.ends_ms > at_ms]
        firing = [each for each in active if each.alert.state == "firing"]
        summary = self._render(
            "alert_summary", firing=len(firing), pending=len(active) - len(firing),
            silenced=sum(each.silenced for each in firing), channels=channels,
            silences=sum(each.active(at_ms) for each in silences),
            backlog=sum(each.backlog for each in channels),
        )  # fmt: skip
        parts = {
            "summary": summary,
            "active": self._render("active_alerts", alerts=active),
            "silences": self._render("silences", silences=silences, at_ms=at_ms),
            "history": self._render("incidents", incidents=self.alerting.history(limit=_HISTORY)),
            "channels": self._render("channels", channels=channels),
        }
        return View(parts)

    def rules(self) -> View:
        """
        Every group of rules with how it fares, failing rules first.
        """
        groups = self.alerting.groups
        rules = [(group, rule) for group in groups for rule in group.rules]
        failing = [pair for pair in rules if pair[1].condition.health == "err"]
        parts = {
            "summary": self._render(
                "rule_summary", groups=groups, rules=len(rules), failing=len(failing),
                alerts=sum(len(group.alerting) for group in groups),
                missed=sum(group.missed for group in groups),
            ),
            "failing": self._render("failing_rules", failing=failing),
            "groups": self._render("rule_groups", groups=groups),
        }  # fmt: skip
        return View(parts, state="filled" if groups else "empty")

    def objectives(self, length: str, chosen: str) -> View:
        """
        Budgets, how the chosen one burned (else the one with least left), and breaches.
        """
        end = self.now()
        found = [self._alerted(each) for each in budgets(self.metrics, at=end)]
        shown = next((each for each in found if each.id == chosen), next(iter(found), None))
        parts = {
            "budgets": self._render("budgets", budgets=found, shown=shown, window=length),
            "chosen": self._render("chosen_budget", shown=shown),
            "breaches": self._render("breaches", incidents=self._breaches()),
        }
        return View(
            parts,
            draw=lambda: self._drawn(shown, end, PERIODS[length]),
            state="filled" if found else "empty",
        )

    def _alerted(self, budget: Budget) -> Budget:
        """
        With what fires now as well: in the first minutes after a start nothing is recorded of it.
        """
        active = self.alerting.alerts(int(self.now() * 1000))
        labels = [dict(each.alert.labels) for each in active if each.alert.state == "firing"]
        firing = {
            each.get(SLO_SEVERITY, "firing") for each in labels if each.get(SLO_ID) == budget.id
        }
        return replace(budget, alerts=tuple(sorted({*budget.alerts, *firing})))

    def _breaches(self) -> list[Incident]:
        found = self.alerting.history(limit=_LOOKED_THROUGH)
        return [each for each in found if SLO_ID in each.labels][:_HISTORY]

    def _drawn(self, shown: Budget | None, end: float, length_s: int) -> Figures:
        if shown is None:
            return {"left": None, "burn": None}
        step = length_s / _POINTS
        last = np.floor(end / step)
        times = np.arange(last - _POINTS, last + 1) * step
        found = burning(self.metrics, shown, times)
        css = figures.CSS
        rates = np.concatenate([found.burn_rate, found.current_burn_rate])
        return {
            "left": figures.budget_lines(found, css) if _any(found.remaining) else None,
            "burn": figures.burn_lines(found, css) if _any(rates) else None,
        }

    def _render(self, name: str, **values: Any) -> str:
        return self.templates.render(
            f"part_{name}", other_labels=other_labels, silence_url=silence_url,
            written=matcher_text, **values,
        )  # fmt: skip


def _any(values: figures.Values) -> bool:
    return bool(np.isfinite(values).any())


def other_labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """
    The labels of an alert that have no column of their own.
    """
    return [pair for pair in sorted(labels.items()) if pair[0] not in _WATCHED]


def silence_url(labels: Mapping[str, str]) -> str:
    """
    The address of the form that silences an alert with these labels.
    """
    texts = [matcher_text(Matcher(name, "=", value)) for name, value in sorted(labels.items())]
    return f"/alerts?{urlencode({'matchers': LINE.join(texts)})}#silence"
