"""
This module holds the panels on the pipeline: whether to believe what the other dashboards show.

The names of the Collector's own metrics are those that Prometheus has of the Collector in .env.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from otel_confidence import expressions
from otel_confidence.conventions import (
    CHANNEL,
    DROPPED,
    EXPORT_DURATION,
    INGEST_REFUSED,
    INGESTED,
    INTERNAL_ERRORS,
    NOTIFICATION_BACKLOG,
    NOTIFICATION_FAILURES,
    NOTIFICATIONS,
    PLACE,
    REASON,
    RECORDS,
    RULE_DURATION,
    RULE_FAILURES,
    RULE_GROUP,
    RULE_MISSES,
    SIGNAL,
    STORE_DAYS_DROPPED,
    Attribute,
    Metric,
)
from otel_confidence.generate import frames
from otel_confidence.generate.boards.choices import (
    NONE_EXPECTED,
    PLAIN,
    RANGE,
    STEP,
    Sections,
    rate_by,
    selected,
    small,
)
from otel_confidence.generate.panels import (
    BYTES,
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
from otel_confidence.generate.rules.stack import GATEWAY, QUEUE_FULL
from otel_confidence.generate.rules.telemetry import DROPPED_SHARE

_JOB: Final = 'job=~"$job"'
_GATEWAY: Final = f'job="{GATEWAY}"'
_LOST: Final = (Step("green"), Step("red", DROPPED_SHARE))
_QUEUE: Final = (Step("green"), Step("red", QUEUE_FULL))
_SIGNALS: Final = ("metric_points", "spans", "log_records")
_TELEMETRY: Final = 'topic=~"pipeline|telemetry|rules|notifications"'
"""What alerts are about that are no model's."""


def variables() -> list[frames.Variable]:
    """
    The programs that report.
    """
    made = expressions.selector(RECORDS)
    return [frames.choice("job", "Program", made, "job")]


def notes() -> list[dashboard.AnnotationQuery]:
    """
    Marks while an alert of the pipeline fires.
    """
    return [frames.alerts(_TELEMETRY)]


def sections() -> Sections:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("Now", summary()),
        ("What programs recorded, and lost", ledger()),
        ("What the server of otel-confidence keeps", server()),
        ("Collector", collector()),
        ("Prometheus and Alertmanager", stores()),
    ]


def summary() -> list[Panel]:
    """
    Six numbers, each 0 or small while all is well.
    """
    given = expressions.total(expressions.selector(RECORDS, "", _JOB), RANGE, ())
    lost = expressions.total(expressions.selector(DROPPED, "", _JOB), RANGE, ())
    refused = expressions.total(expressions.selector(INGEST_REFUSED), RANGE, ())
    faults = expressions.total(expressions.selector(INTERNAL_ERRORS, "", _JOB), RANGE, ())
    failed = " + ".join(f"({_sum(f'exporter_send_failed_{s}')} or vector(0))" for s in _SIGNALS)
    alerts = f'ALERTS{{alertstate="firing", {_TELEMETRY}}}'
    return [
        number(small("Records", RECORDS.about, COUNT), given, PLAIN),
        number(small("Lost", "Share of it that was not recorded, for whatever reason.", SHARE),
               f"({lost} or vector(0))\n  / ({given} > 0)", _LOST),
        number(small("Contained faults", INTERNAL_ERRORS.about, COUNT),
               f"{faults} or vector(0)", NONE_EXPECTED),
        number(small("Refused by the server", INGEST_REFUSED.about, COUNT),
               f"{refused} or vector(0)", NONE_EXPECTED),
        number(small("Lost by the Collector", "Points, spans and records that it gave up.", COUNT),
               failed, NONE_EXPECTED),
        number(small("Alerts of the pipeline", "That fire now.", COUNT),
               f"count({alerts}) or vector(0)", NONE_EXPECTED),
    ]  # fmt: skip


def ledger() -> list[Panel]:
    """
    The accounts that every program keeps of what it was given to record.
    """
    by = (SIGNAL, REASON)
    lost = expressions.total(expressions.selector(DROPPED, "", _JOB), STEP, by, function="rate")
    waited = expressions.quantile(0.95, EXPORT_DURATION, STEP, (SIGNAL,), _JOB)
    return [
        lines(About("Recorded", RECORDS.about, RATE), [rate_by(RECORDS, SIGNAL, _JOB)]),
        lines(About("Not recorded", DROPPED.about, RATE), [Query(lost, _legend(*by))]),
        lines(About("Export duration p95", EXPORT_DURATION.about, SECONDS),
              [Query(waited, _legend(SIGNAL))]),
        lines(About("Contained faults by place", INTERNAL_ERRORS.about, RATE),
              [rate_by(INTERNAL_ERRORS, PLACE, _JOB)]),
    ]  # fmt: skip


def server() -> list[Panel]:
    """
    What ``otel-confidence up`` received; empty in a stack without it.
    """
    by = (SIGNAL, REASON)
    refused = expressions.total(expressions.selector(INGEST_REFUSED), STEP, by, function="rate")
    return [
        lines(_third("Kept", INGESTED.about, RATE), [rate_by(INGESTED, SIGNAL)]),
        lines(_third("Refused", INGEST_REFUSED.about, RATE), [Query(refused, _legend(*by))]),
        lines(_third("Days let go", f"{STORE_DAYS_DROPPED.about} Within a shown range.", COUNT),
              [_grown(STORE_DAYS_DROPPED, REASON)]),
        lines(_third("Rules that the server evaluates", "Evaluations that failed or were left "
                     "out, per second.", RATE),
              [_named_so(rate_by(RULE_FAILURES, RULE_GROUP), "failed"),
               _named_so(rate_by(RULE_MISSES, RULE_GROUP), "left out")]),
        lines(_third("Time of its rules", RULE_DURATION.about, SECONDS),
              [_most(RULE_DURATION, RULE_GROUP)]),
        lines(_third("Alerts that it tells", "Notifications and failed attempts per second, and "
                     "alerts that wait, by channel.", COUNT),
              [rate_by(NOTIFICATIONS, CHANNEL), _named_so(rate_by(NOTIFICATION_FAILURES, CHANNEL),
               "failed"), _named_so(_most(NOTIFICATION_BACKLOG, CHANNEL), "waiting")]),
    ]  # fmt: skip


def collector() -> list[Panel]:
    """
    What goes through the Collector, and what waits in it.
    """
    by = "instance, exporter, data_type"
    size, capacity = (
        f"max by ({by}) ({_named(f'exporter_queue_{what}')})" for what in ("size", "capacity")
    )
    return [
        lines(_third("Received", "Points, spans and log records that the Collector took.", RATE),
              _each("receiver_accepted", "receiver")),
        lines(_third("Sent back", "What senders have to send again: memory or queues are full.",
                     RATE), _each("receiver_refused", "receiver")),
        lines(_third("Sent on", "What the stores behind the Collector took.", RATE),
              _each("exporter_sent", "exporter")),
        lines(_third("Given up", "What could not be handed over and is not tried again, and "
                     "what is left out as it would cost its neighbors.", RATE),
              [*_each("exporter_send_failed", "exporter"), *_left_out()]),
        lines(_third("Queues", "How far each queue is filled; once it is full, senders wait.",
                     SHARE), [Query(f"{size}\n  / ({capacity} > 0)", "{{exporter}} {{data_type}}")],
              bounds=(0, 1), steps=_QUEUE),
        lines(_third("Memory", "Resident memory of the Collector.", BYTES),
              [Query(f"max by (instance) ({_named('process_memory_rss')})", "{{instance}}")]),
    ]  # fmt: skip


def stores() -> list[Panel]:
    """
    Whether the stores answer, grow and tell.
    """
    evaluated = _rate("prometheus_rule_evaluation_duration_seconds_sum", "instance")
    missed = _rate("prometheus_rule_group_iterations_missed_total", "rule_group")
    failed = _rate("prometheus_rule_evaluation_failures_total", "rule_group")
    untold = _rate("alertmanager_notifications_failed_total", "integration")
    told = _rate("alertmanager_notifications_total", "integration")
    return [
        lines(_third("Programs that answer", "1 for each program of the stack that Prometheus "
                     "reaches.", COUNT), [Query("min by (job, instance) (up)", "{{instance}}")],
              bounds=(0, 1)),
        lines(_third("Samples", "Samples per second that Prometheus stores.", RATE),
              [Query(_rate("prometheus_tsdb_head_samples_appended_total", "instance"),
                     "{{instance}}")]),
        lines(_third("Series", "Series that Prometheus keeps in memory.", COUNT),
              [Query("max by (instance) (prometheus_tsdb_head_series)", "{{instance}}")]),
        lines(_third("Refused samples", "Too old or out of their order, per second.", RATE),
              [Query(_rate("prometheus_tsdb_too_old_samples_total", "instance"), "too old"),
               Query(_rate("prometheus_tsdb_out_of_order_samples_total", "instance"),
                     "out of order")]),
        lines(_third("Rules", "Seconds that rules take each second, and evaluations that failed "
                     "or were left out, per second.", COUNT),
              [Query(evaluated, "seconds"), Query(failed, "failed {{rule_group}}"),
               Query(missed, "left out {{rule_group}}")]),
        lines(_third("Notifications", "Per second, by the way they go.", RATE),
              [Query(told, "{{integration}}"), Query(untold, "{{integration}} failed")]),
    ]  # fmt: skip


def _third(title: str, description: str, unit: str) -> About:
    return About(title, description, unit, width=8)


def _named(name: str) -> str:
    return selected(f"otelcol_{name}", _GATEWAY)


def _sum(name: str) -> str:
    return f"sum(increase({_named(name)}[{RANGE}]))"


def _each(name: str, by: str) -> list[Query]:
    """
    A counter of the Collector that it has for each kind of telemetry.
    """
    return [
        Query(
            f"sum by ({by}) (rate({_named(f'{name}_{signal}')}[{STEP}]))",
            f"{{{{{by}}}}} {signal.replace('_', ' ')}",
        )
        for signal in _SIGNALS
    ]


def _left_out() -> list[Query]:
    return [
        Query(
            _rate(_named(f"processor_filter_{signal}_filtered"), "instance"), f"{signal} left out"
        )
        for signal in ("datapoints", "spans")
    ]


def _rate(name: str, by: str) -> str:
    return f"sum by ({by}) (rate({name}[{STEP}]))"


def _grown(metric: Metric, by: Attribute) -> Query:
    total = expressions.total(expressions.selector(metric), RANGE, (by,))
    return Query(total, f"{{{{{by.label}}}}}")


def _most(metric: Metric, by: Attribute) -> Query:
    return Query(f"max by ({by.label}) ({metric.prometheus})", _legend(by))


def _named_so(query: Query, what: str) -> Query:
    return Query(query.expression, f"{query.legend} {what}")


def _legend(*by: Attribute) -> str:
    return " ".join(f"{{{{{attribute.label}}}}}" for attribute in by)
