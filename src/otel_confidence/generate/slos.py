"""
This module builds the rules of objectives: error ratios, budgets and burn-rate alerts.

Recorded series and labels have the names that Sloth gave them, so that its dashboards work. Beside
each error ratio stand the two numbers it is made of: an alert asks for enough events, and a period
is the quotient of sums and not a mean of ratios, in which a quiet night would weigh as much as a
busy noon.

An objective has two groups. The first holds what must be recent and the alerts, the second what
looks back for days.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from otel_confidence import conventions as c
from otel_confidence.generate import indicators
from otel_confidence.generate.indicators import ids, own
from otel_confidence.generate.rules import RUNBOOKS, Links
from otel_confidence.objectives import (
    BURN_RATES,
    BurnWindow,
    Objective,
    burn_windows,
    check_names,
)
from otel_confidence.objectives.recorded import (
    BUDGET_REMAINING,
    CURRENT_BURN_RATE,
    ERROR_BUDGET,
    INFO,
    OBJECTIVE,
    PERIOD_BURN_RATE,
    PERIOD_DAYS,
    SLO_ID,
    SLO_NAME,
    SLO_SERVICE,
    SLO_SEVERITY,
    SLO_WINDOW,
    VERDICT,
    bad_events,
    error_ratio,
    events,
)
from otel_confidence.objectives.windows import length_s

FAST_BURN: Final = "SLOBudgetBurnsFast"
SLOW_BURN: Final = "SLOBudgetBurnsSlowly"

MIN_BAD_EVENTS: Final = 2
"""Bad events without which there is no alert: one alone is chance."""
MIN_SLICES: Final = 10
"""Minutes that must have been judged before time raises an alert."""
MIN_BAD_SLICES: Final = 5
"""Bad minutes without which there is no alert: the first ones after a restart lack data."""
_BASE: Final = "5m"
"""The shortest window, which periods are summed from; it holds two reports of a program."""
_DAY_S: Final = 86400
_SPEC: Final = "otel-confidence/v1"
_ALERTS: Final = {
    "page": (FAST_BURN, "critical", "too fast to wait"),
    "ticket": (SLOW_BURN, "warning", "faster than it may"),
}


def rule_file(
    objectives: Iterable[Objective],
    runbooks: str = RUNBOOKS,
    *,
    links: Links | None = None,
    table: Mapping[int, tuple[BurnWindow, ...]] = BURN_RATES,
) -> dict[str, Any]:
    """
    Every rule group of some objectives, as a Prometheus rule file holds them.

    Args:
        objectives: what to watch.
        runbooks: address of the runbooks' page.
        links: where annotations lead to, if not to that page and to the stack's Grafana.
        table: the windows of burn-rate alerts for each period, in days.

    Raises:
        ObjectiveError: two objectives have the same id, or the table lacks a period.
    """
    given = list(objectives)
    check_names(given)
    led = links or Links(runbooks=runbooks)
    return {
        "groups": [
            group
            for objective in sorted(given, key=lambda each: each.id)
            for group in _groups(objective, led, table)
        ]
    }


def _groups(
    objective: Objective, links: Links, table: Mapping[int, tuple[BurnWindow, ...]]
) -> list[dict[str, Any]]:
    burns = burn_windows(objective.window_days, table)
    windows = sorted({w for burn in burns for w in (burn.short, burn.long)} | {_BASE}, key=length_s)
    recent = [window for window in windows if length_s(window) < _DAY_S]
    long = [window for window in windows if length_s(window) >= _DAY_S]
    name = f"otel-confidence-slo-{objective.id}"
    return [
        {
            "name": name,
            "interval": "1m",
            "rules": [
                *_verdicts(objective),
                *(rule for window in recent for rule in _ratio(objective, window)),
                *_metadata(objective),
                *_alerts(objective, burns, links),
            ],
        },
        {
            "name": f"{name}-long",
            "interval": "2m",
            "rules": [
                *(rule for window in long for rule in _ratio(objective, window)),
                *_period(objective),
                *_spent(objective),
            ],
        },
    ]


def _verdicts(objective: Objective) -> list[dict[str, Any]]:
    if not objective.indicator.sliced:
        return []
    return [_recording(objective, VERDICT, indicators.verdict(objective))]


def _ratio(objective: Objective, window: str) -> list[dict[str, Any]]:
    if objective.indicator.sliced:
        return _judged(objective, window)
    return _quotient(
        objective,
        window,
        indicators.events(objective, window),
        indicators.bad_events(objective, window),
    )


def _period(objective: Objective) -> list[dict[str, Any]]:
    """
    The period's ratio, from what the shortest window recorded in steps of its own width.
    """
    period, mine = objective.period, own(objective)
    if objective.indicator.sliced:
        return _judged(objective, period)
    all_of_them, bad = (
        f"sum_over_time({name(_BASE)}{mine}[{period}:{_BASE}])" for name in (events, bad_events)
    )
    return _quotient(objective, period, all_of_them, bad)


def _spent(objective: Objective) -> list[dict[str, Any]]:
    """
    How fast the period's budget burned, and what is left of it.
    """
    left = f"1 - {PERIOD_BURN_RATE}{own(objective)}"
    return [
        _recording(objective, PERIOD_BURN_RATE, _burn_rate(objective, objective.period)),
        _recording(objective, BUDGET_REMAINING, left),
    ]


def _judged(objective: Objective, window: str) -> list[dict[str, Any]]:
    verdicts = f"{VERDICT}{own(objective)}[{window}]"
    return _quotient(
        objective, window, f"count_over_time({verdicts})", f"sum_over_time({verdicts})"
    )


def _quotient(objective: Objective, window: str, whole: str, bad: str) -> list[dict[str, Any]]:
    """
    Events, bad ones and their ratio, which there is none of where there were no events.
    """
    mine = own(objective)
    share = f"{bad_events(window)}{mine} / ({events(window)}{mine} > 0)"
    told = {SLO_WINDOW: window}
    return [
        _recording(objective, events(window), whole, told),
        _recording(objective, bad_events(window), bad, told),
        _recording(objective, error_ratio(window), f"clamp_max({share}, 1)", told),
    ]


def _metadata(objective: Objective) -> list[dict[str, Any]]:
    target = Decimal(str(objective.target))
    info = {
        "sloth_mode": "otel-confidence",
        "sloth_objective": f"{(target * 100).normalize():f}",
        "sloth_spec": _SPEC,
        "sloth_version": "otel-confidence",
    }
    return [
        _recording(objective, OBJECTIVE, f"vector({target})"),
        _recording(objective, ERROR_BUDGET, f"vector({objective.budget})"),
        _recording(objective, PERIOD_DAYS, f"vector({objective.window_days})"),
        _recording(objective, CURRENT_BURN_RATE, _burn_rate(objective, _BASE)),
        _recording(objective, INFO, "vector(1)", info),
    ]


def _burn_rate(objective: Objective, window: str) -> str:
    mine = own(objective)
    same = f"on ({SLO_ID}, {SLO_NAME}, {SLO_SERVICE}) group_left ()"
    return f"{error_ratio(window)}{mine}\n  / {same} {ERROR_BUDGET}{mine}"


def _alerts(
    objective: Objective, burns: Iterable[BurnWindow], links: Links
) -> list[dict[str, Any]]:
    found = []
    for severity, (name, grave, how) in _ALERTS.items():
        pairs = [_burning(objective, each) for each in burns if each.severity == severity]
        if pairs:
            found.append(
                {
                    "alert": name,
                    "expr": "\nor\n".join(pairs),
                    "labels": {**ids(objective), "severity": grave, SLO_SEVERITY: severity},
                    "annotations": {
                        "summary": f"{_label(SLO_NAME)} of {_label(SLO_SERVICE)} burns its error "
                        f"budget {how}",
                        "description": f"Promised: {_escaped(str(objective))}. The budget burns "
                        '{{ $value | printf "%.1f" }} times as fast as it would to last.',
                        **links.annotations(name, "slo"),
                    },
                }
            )
    return found


def _burning(objective: Objective, burn: BurnWindow) -> str:
    """
    Burn rate over the long window, where that and the short one are too fast on enough events.
    """
    mine, factor = own(objective), burn.factor(objective.window_days)
    sliced = objective.indicator.sliced
    least = MIN_SLICES if sliced else objective.least_events
    bad = MIN_BAD_SLICES if sliced else MIN_BAD_EVENTS
    conditions = (
        f"{error_ratio(burn.long)}{mine} / {objective.budget} > {factor:f}",
        f"{error_ratio(burn.short)}{mine} / {objective.budget} > {factor:f}",
        f"{events(burn.long)}{mine} >= {least}",
        f"{bad_events(burn.long)}{mine} >= {bad}",
    )
    each = "\n  and ".join(f"max without ({SLO_WINDOW}) ({condition})" for condition in conditions)
    return f"(\n  {each}\n)"


def _recording(
    objective: Objective, name: str, expression: str, also: Mapping[str, str] | None = None
) -> dict[str, Any]:
    labels = {**ids(objective), **_told(objective), **(also or {})}
    return {"record": name, "expr": expression, "labels": dict(sorted(labels.items()))}


def _told(objective: Objective) -> dict[str, str]:
    """
    Labels by which alerts are grouped and inhibited: of the model, and the objective's own.
    """
    model = ((c.MODEL_NAME, objective.model), (c.MODEL_VERSION, objective.version))
    return {
        **dict(objective.labels_given),
        **{key.label: value for key, value in model if value},
    }


def _label(name: str) -> str:
    return f"{{{{ $labels.{name} }}}}"


def _escaped(text: str) -> str:
    """
    Text that the templates of annotations leave as it is.
    """
    return text.replace("{{", '{{ "{{" }}')
