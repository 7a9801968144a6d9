"""
This module checks what is found wrong in a Collector's configuration.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from tests.test_stack_programs import COMBINATIONS

from otel_confidence.collector import Finding, check
from otel_confidence.conventions import EVENT_NAME, METRICS

GOOD = """\
extensions:
  health_check: {endpoint: "0.0.0.0:13133"}
  file_storage: {directory: /var/lib/otelcol, create_directory: true}
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "0.0.0.0:4317"}
      http: {endpoint: "0.0.0.0:4318"}
  statsd:
    endpoint: 0.0.0.0:8125
processors:
  memory_limiter: {check_interval: 1s, limit_percentage: 80}
  resource_detection: {detectors: [system], override: false}
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
    sending_queue: {storage: file_storage}
  otlp_grpc/tempo:
    endpoint: tempo:4317
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage}
  otlp_http/loki:
    endpoint: http://loki:3100/otlp
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage}
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
    sending_queue: {storage: file_storage}
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
    assert old in GOOD
    return GOOD.replace(old, new)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_whole_configuration_has_no_fault(tmp_path: Path) -> None:
    """
    Nothing is found where everything is as it should be.
    """
    assert [] == found(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            "[memory_limiter, redaction]", "[memory_limitr, redaction]",
            "error", "service.pipelines.traces.processors[0]",
            "'memory_limitr' is not configured under processors", id="a misspelled processor",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("file_storage}", "file_storage/two}"),
            "error", "exporters.otlp_http/prometheus.sending_queue.storage",
            "the extension 'file_storage/two' is not started", id="a queue without its extension",
        ),
        pytest.param(
            "  health_check: {", "  zpages:\n  health_check: {",
            "warning", "extensions.zpages", "nothing uses it", id="an extension for nothing",
        ),
        pytest.param(
            "    logs:\n", "    events:\n",
            "error", "service.pipelines.events", "'events' is no signal", id="a foreign signal",
        ),
        pytest.param(
            "receivers: [otlp, statsd, span_metrics]", "receivers: [statsd, span_metrics]",
            "error", "service.pipelines", "no pipeline takes metrics by OTLP",
            id="metrics without OTLP",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[transform, redaction]",
            "error", "service.pipelines.logs", "it has no memory limiter",
            id="no memory limiter",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[transform, memory_limiter, redaction]",
            "error", "service.pipelines.logs.processors[1]",
            "it refuses only after transform has taken memory", id="a late memory limiter",
        ),
        pytest.param(
            "exporters: [otlp_grpc/tempo]", "exporters: [otlp_grpc/tempo, span_metrics]",
            "error", "connectors.span_metrics", "it counts only the spans that tail_sampling left",
            id="span metrics after sampling",
        ),
        pytest.param(
            "ml.prediction.confidence", "confidence",
            "warning", "processors.tail_sampling.policies",
            "no policy keeps traces of unsure predictions", id="sampling without confidence",
        ),
        pytest.param(
            "type: status_code", "type: probabilistic",
            "warning", "processors.tail_sampling.policies", "no policy keeps traces with errors",
            id="sampling without errors",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[memory_limiter, transform]",
            "warning", "service.pipelines.logs", "logs reach otlp_http/loki unredacted",
            id="events unredacted",
        ),
        pytest.param(
            "[memory_limiter, transform, redaction]", "[memory_limiter, redaction]",
            "warning", "service.pipelines.logs", "Loki drops the names of events",
            id="event names lost",
        ),
        pytest.param(
            "redaction: {allow_all_keys: true}", "redaction: {allowed_keys: [ml.model.name]}",
            "error", "processors.redaction", "it takes event.name away",
            id="redaction takes event names",
        ),
        pytest.param(
            '      - set(log.attributes["event.name"], log.event_name)',
            '      - set(log.attributes["event.name"], log.event_name)\n'
            '      - delete_key(log.attributes, "event.name")',
            "error", "processors.transform.log_statements[1]", "it takes event.name away",
            id="a transform takes event names",
        ),
        pytest.param(
            "resource_detection, delta_to_cumulative]", "resource_detection]",
            "error", "receivers.statsd", "its sums are differences", id="differences",
        ),
        pytest.param(
            "explicit: {buckets: [1s]}", "exponential: {max_size: 160}",
            "warning", "connectors.span_metrics.histogram.exponential",
            "span metrics become native histograms", id="exponential span metrics",
        ),
        pytest.param(
            STATSD, MAPPED.replace("{MAPPING}", "{max_size: 160}"),
            "error", "receivers.statsd.timer_histogram_mapping[0]",
            "ml.prediction.confidence becomes a native histogram", id="exponential StatsD",
        ),
        pytest.param(
            STATSD,
            MAPPED.replace(
                "{MAPPING}", "{explicit_buckets: [{matcher_pattern: .*, buckets: [1, 2]}]}"
            ),
            "warning", "receivers.statsd.timer_histogram_mapping[0]",
            "ml.prediction.confidence has no bucket up to 0.05", id="StatsD with other edges",
        ),
        pytest.param(
            PROMETHEUS,
            PROMETHEUS.replace("max_elapsed_time: 0s", "max_elapsed_time: 300s"),
            "warning", "exporters.otlp_http/prometheus.retry_on_failure.max_elapsed_time",
            "what it cannot deliver within 300s is lost", id="limited retry",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{max_elapsed_time: 0s}", "{initial_interval: 1s}"),
            "warning", "exporters.otlp_http/prometheus.retry_on_failure",
            "what it cannot deliver within five minutes is lost", id="retry as it comes",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{max_elapsed_time: 0s}", "{enabled: false}"),
            "warning", "exporters.otlp_http/prometheus.retry_on_failure",
            "what it cannot deliver at once is lost", id="no retry",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{storage: file_storage}", "{queue_size: 9}"),
            "warning", "exporters.otlp_http/prometheus.sending_queue",
            "what waits for the backend is forgotten at a restart", id="a queue in memory",
        ),
        pytest.param(
            PROMETHEUS, PROMETHEUS.replace("{storage: file_storage}", "{enabled: false}"),
            "warning", "exporters.otlp_http/prometheus.sending_queue",
            "it has no queue", id="no queue",
        ),
        pytest.param(
            "override: false", "timeout: 2s",
            "warning", "processors.resource_detection",
            "it puts this host in the place of the sender's", id="the gateway's own host",
        ),
        pytest.param(
            'http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "127.0.0.1:13133"}',
            "error", "extensions.health_check.endpoint",
            "health_check wants port 13133, which otlp (http) has", id="a port twice",
        ),
        pytest.param(
            'endpoint: "0.0.0.0:4317"', 'endpoint: "0.0.0.0"',
            "error", "receivers.otlp.protocols.grpc.endpoint",
            "otlp (grpc) has no port to listen at: '0.0.0.0'", id="no port",
        ),
        pytest.param(
            'http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "0.0.0.0:8888"}',
            "error", "", "the Collector's own metrics wants port 8888, which otlp (http) has",
            id="the Collector's own port",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${env:TEMPO_ENDPOINT}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "the variable TEMPO_ENDPOINT is unset", id="an unset variable",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${TEMPO:-tempo:4317}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "nothing reads ${TEMPO:-tempo:4317}", id="a default without env",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${env:TEMPO-ENDPOINT}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "'TEMPO-ENDPOINT' is no name of a variable", id="no name of a variable",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${file:/nowhere/at/all}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "there is no file '/nowhere/at/all'", id="an absent file",
        ),
        pytest.param(
            "service:\n", "service:\n  telemetry: {metrics: {address: ':8888'}}\n",
            "warning", "service.telemetry.metrics.address", "the Collector no longer looks at it",
            id="a former setting",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: $TEMPO_ENDPOINT",
            "warning", "exporters.otlp_grpc/tempo.endpoint",
            "$TEMPO_ENDPOINT is taken as it stands", id="a variable without braces",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    Each fault is told with file, line, keys, what is wrong and what would be right.
    """
    told = [f for f in found(tmp_path, changed(old, new)) if message in f.message]

    assert [(level, path, str(tmp_path / "0.yaml"))] == [(f.level, f.path, f.file) for f in told]
    assert all(f.remedy and f.line for f in told)


def of_prometheus(settings: str) -> str:
    exporter = f"  prometheus: {{endpoint: '0.0.0.0:9464', {settings}}}\n"
    return changed(PROMETHEUS, exporter).replace("[otlp_http/prometheus]", "[prometheus]")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("resource_to_telemetry_conversion: {enabled: false}", "lack the labels of their resource"),
        ("add_metric_suffixes: false", "names lose _total"),
        ("translation_strategy: NoTranslation", "ask for other names"),
        ("namespace: shop", "every name begins with shop_"),
    ],
)
def test_an_exporter_that_names_otherwise_is_told_of(
    tmp_path: Path, settings: str, message: str
) -> None:
    """
    Rules and panels rest on names and labels, which an exporter may change.
    """
    told = [f.message for f in found(tmp_path, of_prometheus(settings))]

    assert 1 == sum(message in each for each in told)


@pytest.mark.parametrize(
    ("retry", "level", "message"),
    [
        ("{enabled: true, max_elapsed_time: 0s}", "error", "tries again without a pause"),
        ("{initial_interval: 5s}", "warning", "what no backend takes in time is lost"),
        ("{enabled: true, initial_interval: 5s, max_elapsed_time: 9s}", "warning", "is lost"),
    ],
    ids=["no pause", "not at all", "not for ever"],
)
def test_balancing_that_tries_again_badly_is_told_of(
    tmp_path: Path, retry: str, level: str, message: str
) -> None:
    """
    The balancing exporter has no times of its own to try again, as all others have.
    """
    text = changed("otlp_grpc/tempo", "load_balancing").replace(
        "endpoint: tempo:4317\n    retry_on_failure: {max_elapsed_time: 0s}",
        f"retry_on_failure: {retry}",
    )
    (told,) = found(tmp_path, text)

    assert (level, "exporters.load_balancing.retry_on_failure") == (told.level, told.path)
    assert message in told.message


def test_lines_are_those_of_the_file_that_said_it_last(tmp_path: Path) -> None:
    """
    What an overlay changed is told with the overlay's file and line, the rest with the base's.
    """
    overlay = "service:\n  pipelines:\n    logs:\n      processors: [transform, redaction]\n"
    clash = "exporters:\n  otlp_http/loki: {retry_on_failure: {max_elapsed_time: 9s}}\n"
    told = {f.path: (Path(f.file).name, f.line) for f in found(tmp_path, GOOD, overlay + clash)}
    of_logs = line_of(GOOD, "processors: [memory_limiter, transform") - 1

    assert {
        "service.pipelines.logs": ("0.yaml", of_logs),
        "exporters.otlp_http/loki.retry_on_failure.max_elapsed_time": ("1.yaml", 6),
    } == told


def test_a_list_of_an_overlay_replaces_the_whole(tmp_path: Path) -> None:
    """
    An overlay that names only its own extension takes away those that queues rest on.
    """
    overlay = "extensions: {zpages: }\nservice: {extensions: [zpages]}\n"
    told = [f.message for f in found(tmp_path, GOOD, overlay)]

    assert 3 == told.count("the extension 'file_storage' is not started")


def test_a_default_or_the_environment_satisfies_a_variable(tmp_path: Path) -> None:
    """
    A variable with a default, one that is set and an escaped one are no faults.
    """
    text = changed("directory: /var/lib/otelcol,", "directory: '${env:A:-/x}/${B}/$${env:C}',")

    assert [] == found(tmp_path, text, B="1")


def test_a_variable_that_is_nearly_right_is_named(tmp_path: Path) -> None:
    """
    A misspelled variable is told with the one that was probably meant.
    """
    text = changed("tempo:4317", "${env:TEMPO_ENPOINT}")
    (told,) = found(tmp_path, text, TEMPO_ENDPOINT="tempo:4317")

    assert "did you mean TEMPO_ENDPOINT?" in told.remedy


def test_a_slip_in_a_variable_with_a_default_is_told_of(tmp_path: Path) -> None:
    """
    A variable that stays unset although one of nearly its name is set is a likely slip.
    """
    text = changed("tempo:4317", "${env:TEMPO_ENDPOINT:-tempo:4317}")
    (told,) = found(tmp_path, text, TEMPO_ENPOINT="here:4317", HOME="/root")

    assert "warning" == told.level
    assert "TEMPO_ENDPOINT is unset, while TEMPO_ENPOINT is set" in told.message


def test_ports_are_compared_with_variables_in_their_places(tmp_path: Path) -> None:
    """
    Two doors clash by what the environment makes of them, and not on other addresses.
    """
    text = changed('grpc: {endpoint: "0.0.0.0:4317"}', 'grpc: {endpoint: "127.0.0.2:${env:P:-1}"}')
    text = text.replace('http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "127.0.0.3:4318"}')

    assert [] == found(tmp_path, text, P="4318")
    assert 1 == len(found(tmp_path, text.replace("127.0.0.3", "0.0.0.0"), P="4318"))


def test_former_names_of_types_are_understood(tmp_path: Path) -> None:
    """
    The Collector still takes former names, and so does the check.
    """
    text = (
        GOOD.replace("otlp_http/", "otlphttp/").replace("otlp_grpc/", "otlp/")
        .replace("span_metrics", "spanmetrics").replace("delta_to_", "deltato")
    )  # fmt: skip

    assert [] == found(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("receivers: [\n", "no YAML"),
        ("- receivers\n", "is no mapping"),
        ("service: {}\nservice: {}\n", "is given twice"),
        ("service: {}\n", "there is no pipeline"),
    ],
    ids=["no YAML", "a list", "a key twice", "no pipelines"],
)
def test_a_file_that_is_none_is_told_of(tmp_path: Path, text: str, message: str) -> None:
    """
    What cannot be read, or holds nothing to check, is one error.
    """
    (told,) = found(tmp_path, text)

    assert "error" == told.level
    assert message in told.message


def test_a_missing_file_is_told_of(tmp_path: Path) -> None:
    """
    A file that does not exist is an error of its own.
    """
    (told,) = check([tmp_path / "absent.yaml"], {})

    assert "cannot be read: No such file or directory" == told.message


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    """
    The seam for one's own settings may hold comments only.
    """
    assert [] == found(tmp_path, GOOD, "# nothing yet\n")


def test_pipelines_in_a_circle_are_checked_to_their_end(tmp_path: Path) -> None:
    """
    Connectors that lead back do not keep the check from ending.
    """
    text = changed("exporters: [otlp_grpc/tempo]", "exporters: [otlp_grpc/tempo, forward]")

    assert [] == found(tmp_path, text)


FILES = Path(__file__).parent.parent.parent / "collector"
SET: Mapping[str, str] = {"CLICKHOUSE_PASSWORD": "-"}


@pytest.mark.parametrize(
    "names",
    [*COMBINATIONS, ("gateway", "scale", "extras"), ("gateway", "secure", "scale", "extras")],
    ids=" ".join,
)
def test_our_own_files_are_without_fault(names: tuple[str, ...]) -> None:
    """
    What is checked in others' files holds in ours.
    """
    assert [] == check([FILES / f"{name}.yaml" for name in names], SET)


def test_two_overlays_go_together_as_the_page_says(tmp_path: Path) -> None:
    """
    Debugging a secured gateway needs the list of extensions that the page on Collectors shows.
    """
    files = [FILES / f"{name}.yaml" for name in ("gateway", "secure", "debug")]
    page = (FILES.parent / "docs" / "how-to" / "collector.md").read_text()
    (shown,) = re.findall(
        r"^```yaml\n(service:\n  extensions: .*?)^```", page, re.DOTALL | re.MULTILINE
    )
    extras = tmp_path / "extras.yaml"
    extras.write_text(shown)
    alone = [each.message for each in check(files, SET) if "is not started" in each.message]

    assert ["the extension 'bearertokenauth' is not started"] * 2 == alone
    assert [] == check([*files, extras], SET)


def test_the_check_speaks_of_names_that_exist() -> None:
    """
    The names in this module's cases are those of the table of signals.
    """
    assert "event.name" == EVENT_NAME.name
    assert "ml.prediction.confidence" == next(m.name for m in METRICS if m.kind == "histogram")


def nodes(tree: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """
    The way to every value of a document.
    """
    below: Iterable[tuple[str | int, object]] = ()
    if isinstance(tree, dict):
        below = tree.items()
    elif isinstance(tree, list):
        below = enumerate(tree)
    for key, value in below:
        yield (*path, key)
        yield from nodes(value, *path, key)


def test_any_value_in_any_place_is_survived(tmp_path: Path) -> None:
    """
    Whatever stands where something else belongs, the check says what it finds and never fails.
    """
    odd: tuple[object, ...] = (
        None,
        "x",
        3,
        [],
        {},
        [None],
        [[1]],
        {"a": {"b": None}},
        "${env:",
        "${env:A}:${}",
    )
    file = tmp_path / "odd.yaml"
    ways = list(nodes(yaml.safe_load(GOOD)))
    for number, (*way, last) in enumerate(ways):
        place = whole = yaml.safe_load(GOOD)
        for key in way:
            place = place[key]
        place[last] = odd[number % len(odd)]
        file.write_text(yaml.safe_dump(whole))
        check([file], {})

    assert len(ways) > 100
