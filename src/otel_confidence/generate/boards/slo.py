"""
This module holds the panels on objectives: what is left of their error budgets, and for how long.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from otel_confidence.generate import frames
from otel_confidence.generate.boards.choices import (
    NONE_EXPECTED,
    PLAIN,
    RANGE,
    Sections,
    selected,
    small,
)
from otel_confidence.generate.panels import (
    COUNT,
    SCORE,
    SECONDS,
    SHARE,
    About,
    Panel,
    Query,
    Step,
    lines,
    number,
)
from otel_confidence.generate.tables import Column, compared
from otel_confidence.objectives import recorded
from otel_confidence.objectives.windows import BURN_RATES

_CHOSEN: Final = (f'{recorded.SLO_SERVICE}=~"$owner"', f'{recorded.SLO_NAME}=~"$slo"')
_BY: Final = f"{recorded.SLO_SERVICE}, {recorded.SLO_NAME}"
_LEGEND: Final = f"{{{{{recorded.SLO_SERVICE}}}}} {{{{{recorded.SLO_NAME}}}}}"
_DAY_S: Final = 86_400
_LEFT: Final = (Step("red"), Step("orange", 0.0001), Step("green", 0.25))
"""A spent budget, and one of which most is spent."""
_FIRING: Final = f'ALERTS{{alertstate="firing", {", ".join(_CHOSEN)}}}'


def variables() -> list[frames.Variable]:
    """
    The services and their objectives.
    """
    known = f'{recorded.INFO}{{{recorded.SLO_SERVICE}=~"$owner"}}'
    return [
        frames.choice("owner", "Service", recorded.INFO, recorded.SLO_SERVICE),
        frames.choice("slo", "Objective", known, recorded.SLO_NAME),
    ]


def notes() -> list[dashboard.AnnotationQuery]:
    """
    Marks while an alert of an objective fires.
    """
    return [frames.alerts(*_CHOSEN)]


def sections() -> Sections:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("Now", [*summary(), objectives(), firing()]),
        ("Budgets", budgets()),
        ("What burns them", burns()),
    ]


def summary() -> list[Panel]:
    """
    Four numbers over all objectives.
    """
    left, burning = _of(recorded.BUDGET_REMAINING, "min"), _burn("1h")
    kept = "Objectives whose error budget of the period is spent: they are missed."
    fast = "Objectives whose budget ends before their period does, at the pace of the last hour."
    return [
        number(small("Promised", "Objectives that rules are written for.", COUNT, width=6),
               f"count({_of(recorded.INFO)}) or vector(0)", PLAIN),
        number(small("Missed", kept, COUNT, width=6),
               f"count({left} <= 0) or vector(0)", NONE_EXPECTED),
        number(small("Burning too fast", fast, COUNT, width=6),
               f"count({burning} > 1) or vector(0)", NONE_EXPECTED),
        number(small("Least budget left", "Of all objectives.", SHARE, width=6),
               f"min({left})", _LEFT),
    ]  # fmt: skip


def objectives() -> Panel:
    """
    Every objective's budget, burn and forecast, a row each.
    """
    left, days = _of(recorded.BUDGET_REMAINING, "min"), _of(recorded.PERIOD_DAYS)
    forecast = f"({left} > 0)\n  * {days} * {_DAY_S}\n  / ({_burn('1h')} > 0)"
    missed = f"sum by ({_BY}) (resets(({left} > bool 0)[{RANGE}:5m]))\nor {left} * 0"
    about = About(
        "Objectives",
        "The error budget left of the period, how fast it burns (1 spends it in just the period), "
        "and how long it lasts at the pace of the last hour: without a value while nothing burns, "
        "or nothing is left. Breaches count how often it ran out within the shown range.",
        width=24,
    )
    return compared(
        about,
        {recorded.SLO_SERVICE: "Service", recorded.SLO_NAME: "Objective"},
        [
            Column("Spent", f"1 - {left}", SHARE, decimals=1),
            Column("Target", _of(recorded.OBJECTIVE), SHARE, decimals=2),
            Column("Period", f"{days} * {_DAY_S}", SECONDS, decimals=0),
            Column("Budget left", left, SHARE, _LEFT, 1),
            Column("Burn, 1 h", _burn("1h"), SCORE, _paces("1h")),
            Column("Burn, 1 d", _burn("1d"), SCORE, _paces("1d")),
            Column("Lasts for", forecast, SECONDS),
            Column("Breaches", missed, COUNT, NONE_EXPECTED, 0),
        ],
        worst="Spent",
    )


def firing() -> Panel:
    """
    The alerts of objectives that fire, a row each.
    """
    names = {
        "severity": "Severity",
        "alertname": "Alert",
        recorded.SLO_SERVICE: "Service",
        recorded.SLO_NAME: "Objective",
    }
    shown = Column("Series", f"count by ({', '.join(names)}) ({_FIRING})", COUNT, decimals=0)
    about = About("Alerts of objectives", "What fires now.", COUNT, width=24, height=5)
    return compared(about, names, [shown], worst="Severity")


def budgets() -> list[Panel]:
    """
    What is left of the budgets, and what was spent per day.
    """
    return [
        lines(
            About(
                "Budget left",
                "Share of the period's error budget that is left; below 0 the objective is missed.",
                SHARE,
            ),
            [Query(_of(recorded.BUDGET_REMAINING, "min"), _LEGEND)],
            steps=_LEFT,
        ),
        lines(
            About(
                "Pace over the period",
                "The burn rate of the whole period: above 1 the objective is missed at its end.",
                SCORE,
            ),
            [Query(_of(recorded.PERIOD_BURN_RATE), _LEGEND)],
            steps=(Step("green"), Step("red", 1)),
        ),
    ]


def burns() -> list[Panel]:
    """
    Burn rates over short and long windows, and the events behind them.
    """
    return [
        *(
            lines(
                About(
                    f"Burn rate, {window}",
                    f"Over {window}; lines mark where alerts of that window begin.",
                    SCORE,
                    width=8,
                ),
                [Query(_burn(window), _LEGEND)],
                steps=_paces(window),
            )
            for window in ("1h", "6h", "3d")
        ),
        lines(
            About("Error ratio, 1h", "Share of bad events, or of bad minutes, of the hour before.",
                  SHARE, width=8),
            [Query(_of(recorded.error_ratio("1h")), _LEGEND)],
        ),
        lines(
            About("Bad events, 1h", "How many events, or minutes, were bad in the hour before.",
                  COUNT, width=8),
            [Query(_of(recorded.bad_events("1h")), _LEGEND)],
        ),
        lines(
            About("Events, 1h", "How many events, or judged minutes, the hour before had.",
                  COUNT, width=8),
            [Query(_of(recorded.events("1h")), _LEGEND)],
        ),
    ]  # fmt: skip


def _of(name: str, reduced: str = "max") -> str:
    """
    What was recorded, by service and objective.
    """
    return f"{reduced} by ({_BY}) ({selected(name, *_CHOSEN)})"


def _burn(window: str) -> str:
    return f"{_of(recorded.error_ratio(window))}\n  / {_of(recorded.ERROR_BUDGET)}"


def _paces(window: str) -> tuple[Step, ...]:
    """
    From where on an alert over this window begins, in the period where it does so first.
    """
    begin = [
        (each.factor(days), each.severity)
        for days, table in BURN_RATES.items()
        for each in table
        if each.long == window
    ]
    pace, severity = min(begin)
    return Step("green"), Step("red" if severity == "page" else "orange", float(pace))
