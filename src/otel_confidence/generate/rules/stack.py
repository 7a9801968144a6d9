"""
This module builds the rules on the stack's own programs: Collector, Prometheus, Alertmanager.

They watch what Prometheus scrapes from those, and are of no use to a server that has none of them.
"""

from typing import Final

from otel_confidence.generate.rules.kinds import Alert, Group, of

GATEWAY: Final = "otel-gateway"
"""The scrape job of the Collector, in prometheus.yml."""
AGENT: Final = "otel-agent"
"""The scrape job of the agents, on Kubernetes."""
REMEMBERED: Final = "1d"
"""How long a job without targets is missed: a night is no reason to forget it, a removal is."""
WATCHDOG: Final = "Watchdog"
"""The alert that always fires."""
QUEUE_FULL: Final = 0.5
"""Share of a queue from where on it is told that it fills: as long again is left to act in."""
LATE: Final = (("for", "5m"),)
"""Longer than the restart of a backend takes."""

_EXPORTER: Final = "exporter"
_LOST: Final = tuple(
    # Prometheus asks for another format than people do, in which counters end in _total.
    f'{{__name__=~"otelcol_exporter_{step}_failed_{signal}(_total)?"}}'
    for step in ("enqueue", "send")
    for signal in ("metric_points", "spans", "log_records")
)


def groups() -> list[Group]:
    """
    The group on the stack, with an alert that always fires.
    """
    alerts = (_down(), _agent_down(), _filling(), _losing(), _watchdog())
    return [Group("stack", "15s", (), alerts)]


def _unreached(job: str) -> str:
    """
    Zero for each target that does not answer, and for the job once all its targets are gone.

    A target in a list of Prometheus's configuration stays there when its program is gone; one that
    Kubernetes told of does not. Where nothing was ever scraped, nothing is missed.
    """
    up = f'up{{job="{job}"}}'
    return (
        f"{up} == 0\nor\n"
        f"label_replace(\n  0 * count by (job) (last_over_time({up}[{REMEMBERED}]))\n"
        f'    unless on (job) {up},\n  "instance", "$1", "job", "(.*)")'
    )


def _down() -> Alert:
    return Alert(
        name="CollectorDown",
        expression=_unreached(GATEWAY),
        severity="critical",
        topic="pipeline",
        summary=f"The Collector {of('instance')} does not answer",
        description=(
            f"Prometheus no longer reaches the Collector {of('instance')} (up is "
            "{{ $value }}): no telemetry arrives through it, and every model it serves "
            "seems to stand still."
        ),
        board="health",
        waits=(("for", "1m"),),
    )


def _agent_down() -> Alert:
    return Alert(
        name="CollectorAgentDown",
        expression=_unreached(AGENT),
        severity="warning",
        topic="pipeline",
        summary=f"The agent {of('instance')} does not answer",
        description=(
            f"Prometheus has not reached the agent {of('instance')} for five minutes (up is "
            "{{ $value }}): what programs on its node send may not leave it."
        ),
        board="health",
        # A node that restarts, or gets a new agent, is back before.
        waits=LATE,
    )


def _filling() -> Alert:
    size, capacity = (
        f"max by (instance, {_EXPORTER}) (otelcol_exporter_queue_{what})"
        for what in ("size", "capacity")
    )
    return Alert(
        name="CollectorQueueFilling",
        expression=f"{size}\n  / ({capacity} > 0)\n  > {QUEUE_FULL}",
        severity="warning",
        topic="pipeline",
        summary=f"The Collector's queue for {of(_EXPORTER)} fills",
        description=(
            f"The queue of {of('instance')} for {of(_EXPORTER)} is filled to "
            "{{ $value | humanizePercentage }}; once it is full, senders wait or telemetry is lost."
        ),
        board="health",
        waits=LATE,
    )


def _losing() -> Alert:
    by = f"sum by (instance, {_EXPORTER})"
    return Alert(
        name="CollectorDroppingData",
        # These counters begin with their first loss, of which increase() knows nothing.
        expression="\nor\n".join(
            f"{by} (increase({series}[10m])) > 0\n"
            f"or\n({by} ({series}) unless {by} ({series} offset 10m)) > 0"
            for series in _LOST
        ),
        severity="critical",
        topic="pipeline",
        summary=f"The Collector loses what is meant for {of(_EXPORTER)}",
        description=(
            f"{of('instance')} could not hand over "
            '{{ $value | printf "%.0f" }} points, spans or log records or more to '
            f"{of(_EXPORTER)} within ten minutes, and does not try again."
        ),
        board="health",
    )


def _watchdog() -> Alert:
    return Alert(
        name=WATCHDOG,
        expression="vector(1)",
        severity="none",
        topic="heartbeat",
        summary="Alerts are evaluated and told",
        description=(
            "This alert fires always (its value is {{ $value }}). A service outside the stack that "
            "no longer hears of it has to tell somebody: Prometheus, Alertmanager or the way out "
            "is broken."
        ),
        board="health",
    )
