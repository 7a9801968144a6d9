"""
This module names the series of other programs that rules and dashboards use.
"""

SLO_LABELS = {"sloth_service", "sloth_slo"}
RESOURCE = {"job", "instance", "service_name", "otel_metric_overflow"}
"""Labels that every series of a program may have, whatever its own."""
COLLECTED = ("metric_points", "spans", "log_records")
FOREIGN: dict[str, set[str]] = {
    "ALERTS": {"alertname", "alertstate", "severity", "topic", "ml_model_name", "ml_model_version"}
    | SLO_LABELS,
    "target_info": {"service_version"},
    "up": set[str](),
    **{
        f"otelcol_{what}_{signal}": {label}
        for what, label in (
            ("receiver_accepted", "receiver"),
            ("receiver_refused", "receiver"),
            ("exporter_sent", "exporter"),
            ("exporter_send_failed", "exporter"),
        )
        for signal in COLLECTED
    },
    "otelcol_exporter_queue_size": {"exporter", "data_type"},
    "otelcol_exporter_queue_capacity": {"exporter", "data_type"},
    **{f"otelcol_exporter_enqueue_failed_{s}": {"exporter"} for s in COLLECTED},
    **{f"otelcol_processor_filter_{s}_filtered": set[str]() for s in ("datapoints", "spans")},
    "otelcol_process_memory_rss": set[str](),
    "prometheus_notifications_dropped_total": set[str](),
    "prometheus_notifications_errors_total": {"alertmanager"},
    "prometheus_rule_evaluation_duration_seconds_sum": set[str](),
    "prometheus_rule_evaluation_failures_total": {"rule_group"},
    "prometheus_rule_group_iterations_missed_total": {"rule_group"},
    "prometheus_tsdb_head_samples_appended_total": set[str](),
    "prometheus_tsdb_head_series": set[str](),
    "prometheus_tsdb_out_of_order_samples_total": {"type"},
    "prometheus_tsdb_too_old_samples_total": {"type"},
    "alertmanager_notifications_total": {"integration"},
    "alertmanager_notifications_failed_total": {"integration", "reason"},
}
"""Series of other programs that are used, with the labels that they have."""
