"""
This module holds the panels of the fleet: which models need a look now, and since when.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    ERROR_TYPE,
    FEATURE_VALUES,
    MODEL_NAME,
    MODEL_VERSION,
    PREDICTION_CONFIDENCE,
    PREDICTION_DURATION,
    PREDICTIONS,
)
from otel_confidence.expressions import PER_MODEL
from otel_confidence.generate import frames, links
from otel_confidence.generate.boards.choices import (
    DRIFTED,
    FAILING,
    FLEET,
    GAP,
    MISCALIBRATED,
    MODEL,
    NONE_EXPECTED,
    PLAIN,
    RANGE,
    STEP,
    TIERS,
    TRUTH,
    Sections,
    recording,
    small,
)
from otel_confidence.generate.panels import (
    COUNT,
    RATE,
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

_MODEL: Final = MODEL_NAME.label
_MADE: Final = expressions.selector(PREDICTIONS, "", *FLEET)
_FIRING: Final = f'ALERTS{{alertstate="firing", severity=~"critical|warning", {FLEET[0]}}}'
_CHOSEN: Final = ", ".join(FLEET)
_OF_MODEL: Final = f"{links.board(links.MODEL, 'var-model=${__value.raw}')}&${{__url_time_range}}"
_SILENT: Final = (
    "Models that predicted within the shown range and did not within the last five minutes."
)


def variables() -> list[frames.Variable]:
    """
    Services, models, and how far to look back for truths.
    """
    return [*frames.of_fleet(), frames.truth()]


def sections() -> Sections:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("Which models need a look now", [*summary(), models(), firing()]),
        ("Since when", curves()),
    ]


def summary() -> list[Panel]:
    """
    Six numbers over all models.
    """
    made = expressions.total(_MADE, RANGE, PER_MODEL)
    now = expressions.total(_MADE, "5m", PER_MODEL)
    rate = expressions.total(_MADE, "5m", (), function="rate")
    failed = expressions.share_of(
        PREDICTION_DURATION, _FAILED, RANGE, (), part="count", among=_CHOSEN
    )
    off = f"{expressions.ece(RANGE, PER_MODEL, *FLEET)}\n  > {MISCALIBRATED[-1].value}"
    return [
        number(small("Models predicting", "That predicted within the shown range.", COUNT),
               f"count({made} > 0) or vector(0)", PLAIN),
        number(small("Silent models", _SILENT, COUNT),
               f"count({made} > 0 unless {now} > 0) or vector(0)", NONE_EXPECTED),
        number(small("Models with alerts", "For which an alert fires.", COUNT),
               f"count(group by ({_MODEL}) ({_FIRING})) or vector(0)", NONE_EXPECTED),
        number(small("Miscalibrated models", "Whose calibration error is far from 0.", COUNT),
               f"count({off}) or vector(0)", NONE_EXPECTED),
        number(small("Predictions per second", "Of all models, over five minutes.", RATE),
               rate, PLAIN),
        number(small("Failed", "Share of calls that raised an exception.", SHARE),
               failed, FAILING),
    ]  # fmt: skip


_FAILED: Final = f'{ERROR_TYPE.label}!=""'


def models() -> Panel:
    """
    Every model's key figures, those with alerts first.
    """
    about = About(
        "Models",
        "Each model over the shown range, those with alerts first; its name leads to its own "
        "dashboard. Drift is the largest of the last hour, of its confidence or of a feature.",
        width=24,
        height=9,
    )
    return compared(
        about,
        {_MODEL: "Model"},
        _columns(),
        worst="Alerts",
        links={_MODEL: _OF_MODEL},
    )


def _columns() -> list[Column]:
    made = expressions.total(_MADE, RANGE, PER_MODEL)
    alerts = f"count by ({_MODEL}) ({_FIRING})\nor {made} * 0"
    sure = expressions.mean(PREDICTION_CONFIDENCE, RANGE, PER_MODEL, *FLEET)
    claimed = expressions.labeled_confidence(RANGE, PER_MODEL, *FLEET)
    right = expressions.accuracy(RANGE, PER_MODEL, *FLEET)
    failed = expressions.share_of(
        PREDICTION_DURATION, _FAILED, RANGE, PER_MODEL, part="count", among=_CHOSEN
    )
    slow = expressions.quantile(0.95, PREDICTION_DURATION, RANGE, PER_MODEL, *FLEET)
    moved = recording(PREDICTION_CONFIDENCE, "ks1h", FLEET[0])
    shifted = recording(FEATURE_VALUES, "psi1h", FLEET[0], level="model_version_feature")
    return [
        Column("Alerts", alerts, COUNT, NONE_EXPECTED, 0),
        Column("Predictions", made, COUNT, decimals=0),
        Column("Confidence", sure, SHARE, TIERS),
        Column("Accuracy", right, SHARE),
        Column("Overconfidence", f"({claimed})\n- ({right})", SHARE, GAP),
        Column("ECE", expressions.ece(RANGE, PER_MODEL, *FLEET), SHARE, MISCALIBRATED),
        Column("Drift", f"max by ({_MODEL}) ({moved} or {shifted})", steps=DRIFTED),
        Column("Failed", failed, SHARE, FAILING),
        Column("Latency p95", slow, SECONDS),
    ]


def firing() -> Panel:
    """
    The alerts that fire, a row each.
    """
    names = {
        "severity": "Severity",
        "alertname": "Alert",
        _MODEL: "Model",
        MODEL_VERSION.label: "Version",
        "topic": "Topic",
    }
    shown = Column("Series", f"count by ({', '.join(names)}) ({_FIRING})", COUNT, decimals=0)
    about = About(
        "Alerts of models",
        "What fires now, with the number of series that each alert fires for, such as features; "
        "what to do is in its runbook.",
        COUNT,
        width=24,
        height=6,
    )
    return compared(about, names, [shown], worst="Severity", links={_MODEL: _OF_MODEL})


def curves() -> list[Panel]:
    """
    The key figures of each model over time.
    """
    failed = expressions.share_of(
        PREDICTION_DURATION, _FAILED, STEP, PER_MODEL, part="count", among=_CHOSEN
    )
    return [
        _curve("Predictions", "Predictions per second of each model.", RATE,
               expressions.total(_MADE, STEP, PER_MODEL, function="rate")),
        _curve("Mean confidence", "Lines mark where the tiers low and high begin and end.", SHARE,
               expressions.mean(PREDICTION_CONFIDENCE, STEP, PER_MODEL, *FLEET), TIERS),
        _curve("Accuracy", "Where the truth became known within the chosen window.", SHARE,
               expressions.accuracy(TRUTH, PER_MODEL, *FLEET)),
        _curve("Calibration error", "Expected calibration error over the chosen window.", SHARE,
               expressions.ece(TRUTH, PER_MODEL, *FLEET), MISCALIBRATED),
        _curve("Failed calls", "Share of calls that raised an exception.", SHARE, failed, FAILING),
        _curve("Latency p95", "95 of 100 calls were faster.", SECONDS,
               expressions.quantile(0.95, PREDICTION_DURATION, STEP, PER_MODEL, *FLEET)),
    ]  # fmt: skip


def _curve(
    title: str, description: str, unit: str, expression: str, steps: tuple[Step, ...] = ()
) -> Panel:
    about = About(title, description, unit, width=8)
    return lines(about, [Query(expression, MODEL, exemplars="bucket" in expression)], steps=steps)
