"""
This module builds the rules on the stack's own programs: Collector, Prometheus, Alertmanager.

They watch what Prometheus scrapes from those, and are of no use to a server that has none of them.
"""

from typing import Final

from otel_confidence.generate.rules.kinds import Alert, Group, of, on_health

GATEWAY: Final = "otel-gateway"
"""The scrape job of the Collector, in prometheus.yml."""
AGENT: Final = "otel-agent"
"""The scrape job of the agents, on Kubernetes."""
OTHERS: Final = "stack"
"""The scrape job of Alertmanager, Tempo, Loki and Grafana, in prometheus.yml."""
SCRAPED: Final = "targets"
"""The scrape job of the Collector, in gateway.yaml, for programs that offer Prometheus text."""
REMEMBERED: Final = "1d"
"""How long a job without targets is missed: a night is no reason to forget it, a removal is."""
WATCHDOG: Final = "Watchdog"
"""The alert that always fires."""
QUEUE_FULL: Final = 0.5
"""Share of a queue from where on it is told that it fills, however slowly."""
QUEUE_GROWS: Final = 0.02
"""Share of a queue below which its growth is not looked at: a burst of seconds fills as much."""
AHEAD_S: Final = 3600
"""How long before a queue is full at its present pace this is told, seconds: an hour to act in."""
SOON: Final = (("for", "2m"),)
"""Longer than a burst, and not much longer: a queue of 200,000 spans may be full in minutes."""
LATE: Final = (("for", "5m"),)
"""Longer than the restart of a backend takes."""

_EXPORTER: Final = "exporter"
_SIGNALS: Final = ("metric_points", "spans", "log_records")
_warning: Final = on_health("pipeline")
_page: Final = on_health("pipeline", "critical")
_always: Final = on_health("heartbeat", "none")


def _counted(what: str) -> str:
    # Prometheus asks for another format than people do, in which counters end in _total.
    return f'{{__name__=~"otelcol_{what}(_total)?"}}'


_LOST: Final = tuple(
    _counted(f"exporter_{step}_failed_{signal}")
    for step in ("enqueue", "send")
    for signal in _SIGNALS
)
_SENT: Final = tuple(_counted(f"exporter_sent_{signal}") for signal in _SIGNALS)
_LEFT_OUT: Final = tuple(
    _counted(f"processor_filter_{signal}_filtered") for signal in ("datapoints", "spans")
)


def groups() -> list[Group]:
    """
    The group on the stack, with an alert that always fires.
    """
    alerts = (
        _down(), _agent_down(), _other_down(), _scraped_down(), _stalled(), _filling(), _losing(),
        _leaving_out(), _watchdog(),
    )  # fmt: skip
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
    return _page(
        name="CollectorDown",
        expression=_unreached(GATEWAY),
        summary=f"The Collector {of('instance')} does not answer",
        description=(
            f"Prometheus no longer reaches the Collector {of('instance')} (up is "
            "{{ $value }}): no telemetry arrives through it, and every model it serves "
            "seems to stand still."
        ),
        waits=(("for", "1m"),),
    )


def _agent_down() -> Alert:
    return _warning(
        name="CollectorAgentDown",
        expression=_unreached(AGENT),
        summary=f"The agent {of('instance')} does not answer",
        description=(
            f"Prometheus has not reached the agent {of('instance')} for five minutes (up is "
            "{{ $value }}): what programs on its node send may not leave it."
        ),
        # A node that restarts, or gets a new agent, is back before.
        waits=LATE,
    )


def _other_down() -> Alert:
    return _warning(
        name="StackServiceDown",
        expression=f'up{{job="{OTHERS}"}} == 0',
        summary=f"{of('instance')} does not answer",
        description=(
            f"Prometheus has not reached {of('instance')} for two minutes (up is "
            "{{ $value }}). What is meant for Tempo or Loki waits in the Collector's queues; "
            "without Grafana nobody sees dashboards, without Alertmanager nobody is told."
        ),
        waits=SOON,
    )


def _scraped_down() -> Alert:
    return _warning(
        name="ScrapedProgramDown",
        expression=f'up{{job="{SCRAPED}"}} == 0',
        summary=f"Nothing is scraped from {of('instance')}",
        description=(
            f"For five minutes {of('instance')} has not answered the Collector, or its page cannot "
            "be read (up is {{ $value }}): a line that is no Prometheus text, or too many samples, "
            "cost the whole page."
        ),
        # A deployment is over before.
        waits=LATE,
    )


def _stalled() -> Alert:
    by = f"sum by (instance, {_EXPORTER})"
    waiting = f"{by} (min_over_time(otelcol_exporter_queue_size[2m])) > 0"
    sent = "\n  or ".join(f"{by} (increase({series}[2m])) > 0" for series in _SENT)
    return _warning(
        name="CollectorDeliveryStalled",
        expression=f"{waiting}\nunless on (instance, {_EXPORTER}) (\n  {sent}\n)",
        summary=f"{of(_EXPORTER)} takes nothing from the Collector",
        description=(
            f"For four minutes {of('instance')} has handed nothing over to {of(_EXPORTER)}, "
            'although {{ $value | printf "%.0f" }} or more wait: its backend is away or asks to '
            "come again later. Nothing is lost until the queue is full."
        ),
        waits=SOON,
    )


def _filling() -> Alert:
    size, capacity, ahead = (
        f"max by (instance, {_EXPORTER}, data_type) ({asked})"
        for asked in (
            "otelcol_exporter_queue_size",
            "otelcol_exporter_queue_capacity",
            f"predict_linear(otelcol_exporter_queue_size[5m], {AHEAD_S})",
        )
    )
    filled = f"{size}\n    / ({capacity} > 0)"
    return _warning(
        name="CollectorQueueFilling",
        expression=(
            f"max by (instance, {_EXPORTER}) (\n  {filled}\n    > {QUEUE_FULL}\n"
            f"  or\n  {filled}\n    > {QUEUE_GROWS}\n  and\n  {ahead}\n    > {capacity}\n)"
        ),
        summary=f"The Collector's queue for {of(_EXPORTER)} fills",
        description=(
            f"The queue of {of('instance')} for {of(_EXPORTER)} is filled to "
            "{{ $value | humanizePercentage }}, by more than half or fast enough to be full within "
            "an hour; then senders wait or telemetry is lost."
        ),
        waits=SOON,
    )


def _grown(by: str, counters: tuple[str, ...]) -> str:
    """
    How far counters grew that begin with their first event, of which increase() knows nothing.
    """
    return "\nor\n".join(
        f"{by} (increase({series}[10m])) > 0\n"
        f"or\n({by} ({series}) unless {by} ({series} offset 10m)) > 0"
        for series in counters
    )


def _losing() -> Alert:
    return _page(
        name="CollectorDroppingData",
        expression=_grown(f"sum by (instance, {_EXPORTER})", _LOST),
        summary=f"The Collector loses what is meant for {of(_EXPORTER)}",
        description=(
            f"{of('instance')} could not hand over "
            '{{ $value | printf "%.0f" }} points, spans or log records or more to '
            f"{of(_EXPORTER)} within ten minutes, and does not try again."
        ),
    )


def _leaving_out() -> Alert:
    return _warning(
        name="CollectorLeavingOut",
        expression=_grown("sum by (instance)", _LEFT_OUT),
        summary="The Collector leaves out what would cost its neighbors",
        description=(
            f"{of('instance')} left out about "
            '{{ $value | printf "%.0f" }} points or spans within ten minutes: of a clock that is '
            "wrong, with names that cannot be kept, or with labels or links without end. Whoever "
            "sent them is not told."
        ),
    )


def _watchdog() -> Alert:
    return _always(
        name=WATCHDOG,
        expression="vector(1)",
        summary="Alerts are evaluated and told",
        description=(
            "This alert fires always (its value is {{ $value }}). A service outside the stack that "
            "no longer hears of it has to tell somebody: Prometheus, Alertmanager or the way out "
            "is broken."
        ),
    )
