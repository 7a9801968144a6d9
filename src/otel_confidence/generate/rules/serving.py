"""
This module builds the rules on serving: failing calls, slow calls, data that fails its checks.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    DATA_QUALITY_CHECKS,
    ERROR_TYPE,
    PREDICTION_DURATION,
    QUALITY_CHECK,
    QUALITY_RESULT,
)
from otel_confidence.expressions import PER_MODEL, PER_VERSION
from otel_confidence.generate.rules.kinds import (
    MIN_PREDICTIONS,
    MODEL,
    SETTLED,
    VERSION,
    WEEK,
    Alert,
    Group,
    Recording,
    decimal,
    of,
    recorded,
    share,
    weighed,
)

ERROR_RATE: Final = 0.05
"""Share of failing calls that pages: at least five of ``MIN_PREDICTIONS``, so never one by chance.

Fewer are the business of an objective, which says how many a model may have.
"""
SLOW_QUANTILE: Final = 0.95
"""Above it lie five of ``MIN_PREDICTIONS`` calls: a higher quantile would rest on one or two."""
LATENCY_GROWTH: Final = 2
"""How many times slower than a week ago is told: a quantile is interpolated within its bucket, and
edges are 2 to 3 times apart."""
NOTICEABLE_S: Final = 0.1
"""Latency below which nobody notices, seconds (Nielsen, "Usability Engineering", 1993)."""
FAILED_CHECKS: Final = 0.05
"""Share of a check's runs that fails from where on it is told."""
MIN_FAILED: Final = 1.5
"""Failed runs of a check below which nothing is told: two, which extrapolation may make fewer of,
as it may make one more than one."""

_ERRORS: Final = f'{ERROR_TYPE.label}!=""'
_DONE: Final = f'{ERROR_TYPE.label}=""'
_FAILED: Final = f'{QUALITY_RESULT.label}=~"{"|".join(QUALITY_RESULT.values[1:])}"'
_PER_CHECK: Final = (*PER_VERSION, QUALITY_CHECK)
_CHECK: Final = "model_version_check"


def groups() -> list[Group]:
    """
    Groups on data quality, on errors and on latency.
    """
    return [
        Group("data-quality", "1m", _checks(), (_data_quality(),)),
        Group("errors", "30s", _errors(), (_error_rate(),)),
        Group("latency", "1m", _latencies(), (_latency(),)),
    ]


def _errors() -> tuple[Recording, ...]:
    counted = expressions.selector(PREDICTION_DURATION, "count")
    return tuple(
        recording
        for window in ("5m", "1h")
        for recording in (
            Recording(_calls(window), expressions.total(counted, window, PER_VERSION)),
            Recording(
                _failed(window),
                expressions.share_of(
                    PREDICTION_DURATION, _ERRORS, window, PER_VERSION, part="count"
                ),
            ),
        )
    )


def _latencies() -> tuple[Recording, ...]:
    counted = expressions.selector(PREDICTION_DURATION, "count", _DONE)

    def quantile(window: str) -> str:
        # NaN where a window holds no calls, and that is not above zero.
        q = expressions.quantile(SLOW_QUANTILE, PREDICTION_DURATION, window, PER_MODEL, _DONE)
        return f"{q} >= 0"

    return tuple(
        recording
        for window in ("5m", "1h")
        for recording in (
            Recording(_done(window), expressions.total(counted, window, PER_MODEL)),
            Recording(_p95(window), quantile(window)),
        )
    )


def _checks() -> tuple[Recording, ...]:
    failed = expressions.selector(DATA_QUALITY_CHECKS, "", _FAILED)
    return (
        Recording(_broken("failed1h"), expressions.total(failed, "1h", _PER_CHECK)),
        Recording(
            _broken("failed_ratio1h"),
            expressions.share_of(DATA_QUALITY_CHECKS, _FAILED, "1h", _PER_CHECK),
        ),
    )


def _error_rate() -> Alert:
    return Alert(
        name="ModelErrorRateHigh",
        expression=weighed(
            lambda window: f"{_failed(window)} > {ERROR_RATE}",
            lambda window: f"{_calls(window)} >= {MIN_PREDICTIONS}",
            short="5m",
            long="1h",
        ),
        severity="critical",
        topic="serving",
        summary=f"Calls of {VERSION} fail",
        description=(
            f"{share()} of the calls of {VERSION} raise an exception, as a share of 1; "
            f"above {ERROR_RATE} is told."
        ),
        waits=(("for", "1m"), ("keep_firing_for", "5m")),
    )


def _latency() -> Alert:
    def slower(window: str) -> str:
        return (
            f"{_p95(window)} > {LATENCY_GROWTH} * ({_p95('1h')} offset {WEEK})\n"
            f"  and {_p95(window)} > {decimal(NOTICEABLE_S)}\n"
            f"  and {_done('1h')} offset {WEEK} >= {MIN_PREDICTIONS}"
        )

    return Alert(
        name="ModelLatencyHigh",
        expression=weighed(
            slower,
            lambda window: f"{_done(window)} >= {MIN_PREDICTIONS}",
            short="5m",
            long="1h",
        ),
        severity="warning",
        topic="serving",
        summary=f"{MODEL} is slower than a week ago",
        description=(
            f"One in twenty calls of {MODEL} takes longer than "
            f"{{{{ $value | humanizeDuration }}}}, which is more than "
            f"{LATENCY_GROWTH} times as long as at the same time a week ago."
        ),
        waits=SETTLED,
    )


def _data_quality() -> Alert:
    return Alert(
        name="ModelDataQualityLow",
        expression=(
            f"{_broken('failed_ratio1h')} > {FAILED_CHECKS}\n"
            f"and {_broken('failed1h')} >= {MIN_FAILED}"
        ),
        severity="warning",
        topic="data_quality",
        summary=f"Data of {VERSION} fail the check {of(QUALITY_CHECK)}",
        description=(
            f"The check {of(QUALITY_CHECK)} of the data of {VERSION} did not pass in {share()} of "
            f"its runs within an hour, as a share of 1; above {FAILED_CHECKS} is told."
        ),
        board="drift",
        waits=(("keep_firing_for", "5m"),),
    )


def _calls(window: str) -> str:
    return recorded(PREDICTION_DURATION, f"increase{window}")


def _failed(window: str) -> str:
    return recorded(PREDICTION_DURATION, f"failed_ratio{window}")


def _done(window: str) -> str:
    return recorded(PREDICTION_DURATION, f"done{window}", level="model")


def _p95(window: str) -> str:
    return recorded(PREDICTION_DURATION, f"p95_{window}", level="model")


def _broken(operation: str) -> str:
    return recorded(DATA_QUALITY_CHECKS, operation, level=_CHECK)
