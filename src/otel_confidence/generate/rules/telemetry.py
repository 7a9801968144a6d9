"""
This module builds the rules on telemetry itself: what programs drop, and what a server refuses.
"""

from typing import Final

from otel_confidence.conventions import DROPPED, INGEST_REFUSED, INGESTED, REASON, RECORDS, SIGNAL
from otel_confidence.generate.rules.kinds import (
    SETTLED,
    Alert,
    Group,
    Recording,
    of,
    on_health,
    share,
)

DROPPED_SHARE: Final = 0.01
"""Share of lost telemetry that is told: more would be seen in a rate, and show in a ratio."""
MIN_LOST: Final = 10
"""Lost records below which nothing is told: one program that ends may lose as many."""
TOO_MANY: Final = ("too_many_values", "max_features")
"""Reasons of a drop that mean too many different values of a label."""
DECLARED: Final = ("undeclared", "no_reference")
"""Reasons that a program chose by what it declared; nothing is wrong with its telemetry."""
JOB: Final = "job"
"""Prometheus's label of the program that reports."""
OVERFLOW: Final = "otel_metric_overflow"
"""OpenTelemetry's mark of the series that stands for all beyond a limit."""

_warning: Final = on_health("telemetry")
_LOST: Final = f"job_signal:{DROPPED.prometheus.removesuffix('_total')}"
_REFUSED: Final = f"job_signal:{INGEST_REFUSED.prometheus.removesuffix('_total')}"


def groups() -> list[Group]:
    """
    The group on telemetry.
    """
    return [Group("telemetry", "1m", _recordings(), (_overflow(), _dropped(), _refused()))]


def _recordings() -> tuple[Recording, ...]:
    faults = f'{REASON.label}!~"{"|".join((*TOO_MANY, *DECLARED))}"'
    lost, refused = _grown(f"{DROPPED.prometheus}{{{faults}}}"), _grown(INGEST_REFUSED.prometheus)
    kept = _grown(INGESTED.prometheus)
    return (
        Recording(f"{_LOST}:increase1h", lost),
        Recording(f"{_LOST}:ratio1h", f"{lost}\n  / ({_grown(RECORDS.prometheus)} > 0)"),
        Recording(f"{_REFUSED}:increase1h", refused),
        Recording(f"{_REFUSED}:ratio1h", f"{refused}\n  / (({refused} + {kept} or {refused}) > 0)"),
    )


def _overflow() -> Alert:
    many = f'{REASON.label}=~"{"|".join(TOO_MANY)}"'
    dropped = f"sum by ({JOB}) (increase({DROPPED.prometheus}{{{many}}}[1h])) > 0"
    beyond = f'{{__name__=~"ml_.+|otel_confidence_.+", {OVERFLOW}="true"}}'
    return _warning(
        name="TelemetryCardinalityOverflow",
        expression=f"{dropped}\nor\ncount by ({JOB}) ({beyond}) > 0",
        summary=f"A label of {of(JOB)} takes too many values",
        description=(
            f"In {of(JOB)} a label takes more values than its limit allows "
            '({{ $value | printf "%.0f" }} within an hour, or so many series): what is beyond it '
            "is summed up as _OTHER or in an overflow series, and cannot be told apart."
        ),
        waits=(("keep_firing_for", "15m"),),
    )


def _dropped() -> Alert:
    return _warning(
        name="TelemetryDropped",
        expression=_notable(_LOST),
        summary=f"{of(JOB)} loses telemetry",
        description=(
            f"{of(JOB)} did not record, or could not send, {share()} of its signal {of(SIGNAL)} "
            f"within an hour, as a share of 1; above {DROPPED_SHARE} is told."
        ),
        waits=SETTLED,
    )


def _refused() -> Alert:
    return _warning(
        name="TelemetryRefused",
        expression=_notable(_REFUSED),
        summary=f"The server refuses telemetry that it receives ({of(SIGNAL)})",
        description=(
            f"{of(JOB)} refused {share()} of the signal {of(SIGNAL)} that it received within an "
            f"hour, as a share of 1; above {DROPPED_SHARE} is told."
        ),
        waits=SETTLED,
    )


def _notable(name: str) -> str:
    return f"{name}:ratio1h > {DROPPED_SHARE}\nand {name}:increase1h >= {MIN_LOST}"


def _grown(series: str) -> str:
    return f"sum by ({JOB}, {SIGNAL.label}) (increase({series}[1h]))"
