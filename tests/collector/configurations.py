"""
This module holds a Collector's configuration without fault, and says what is found in changed ones.
"""

from pathlib import Path

from otel_confidence.collector import Finding, check

GOOD = """\
extensions:
  health_check: {endpoint: "0.0.0.0:13133"}
  file_storage: {directory: /var/lib/otelcol, create_directory: true, max_size: 9}
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "0.0.0.0:4317"}
      http: {endpoint: "0.0.0.0:4318"}
  statsd:
    endpoint: 0.0.0.0:8125
processors:
  memory_limiter: {check_interval: 1s, limit_percentage: 80}
  resource_detection: {detectors: [env], override: false}
  transform:
    log_statements:
      - set(log.attributes["event.name"], log.event_name)
  redaction: {allow_all_keys: true}
  tail_sampling:
    policies:
      - {name: e, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: c, type: ottl_condition, ottl_condition:
         {span: ['span.attributes["ml.prediction.confidence"] < 0.6']}}
  delta_to_cumulative:
connectors:
  forward:
  span_metrics: {histogram: {unit: s, explicit: {buckets: [1s]}}}
exporters:
  otlp_http/prometheus:
    endpoint: http://prometheus:9090/api/v1/otlp
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage, batch: {}}
  otlp_grpc/tempo:
    endpoint: tempo:4317
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage, batch: {}}
  otlp_http/loki:
    endpoint: http://loki:3100/otlp
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage, batch: {}}
service:
  extensions: [health_check, file_storage]
  pipelines:
    metrics:
      receivers: [otlp, statsd, span_metrics]
      processors: [memory_limiter, resource_detection, delta_to_cumulative]
      exporters: [otlp_http/prometheus]
    traces:
      receivers: [otlp]
      processors: [memory_limiter, redaction]
      exporters: [span_metrics, forward]
    traces/sampled:
      receivers: [forward]
      processors: [tail_sampling]
      exporters: [otlp_grpc/tempo]
    logs:
      receivers: [otlp]
      processors: [memory_limiter, transform, redaction]
      exporters: [otlp_http/loki]
"""
PROMETHEUS = """\
  otlp_http/prometheus:
    endpoint: http://prometheus:9090/api/v1/otlp
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage, batch: {}}
"""
STATSD = "  statsd:\n    endpoint: 0.0.0.0:8125\n"
MAPPED = STATSD + (
    "    timer_histogram_mapping:\n"
    "      - {statsd_type: histogram, observer_type: histogram, histogram: {MAPPING}}\n"
)


def found(folder: Path, *texts: str, **environment: str) -> list[Finding]:
    """
    What is found in files of these texts.
    """
    paths = [folder / f"{number}.yaml" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return check(paths, environment)


def changed(old: str, new: str) -> str:
    """
    The configuration without fault, with one part of it otherwise.
    """
    assert old in GOOD
    return GOOD.replace(old, new)


def faults(folder: Path, text: str, message: str, **environment: str) -> list[tuple[str, str]]:
    """
    Level and place of each finding that says so, and with a line of the file and a remedy too.
    """
    return [
        (each.level, each.path)
        for each in found(folder, text, **environment)
        if message in each.message
        if each.remedy and each.line and each.file == str(folder / "0.yaml")
    ]
