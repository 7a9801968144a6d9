"""
This module checks the gateway's configuration against itself and the table of signals.
"""

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_confidence.conventions import (
    CONFIDENCE,
    CONFIDENCE_MIN,
    EVENT_NAME,
    LATENCY_EDGES,
    LOW_CONFIDENCE,
    METRICS,
    MODEL_NAME,
    MODEL_VERSION,
    THRESHOLD,
    TIER,
    Metric,
)
from otel_confidence.ingest.limits import Limits
from otel_confidence.text import COMMENT_LIMIT, LABEL_LIMIT

FILE = Path(__file__).parent.parent / "collector" / "gateway.yaml"
GATEWAY: dict[str, Any] = yaml.safe_load(FILE.read_text())
VALUES: dict[str, Any] = yaml.safe_load(
    (FILE.parents[1] / "kubernetes" / "values" / "gateway.yaml").read_text()
)
STORAGES = [extension for extension in GATEWAY["extensions"] if "file_storage" in extension]
PIPELINES: dict[str, dict[str, list[str]]] = GATEWAY["service"]["pipelines"]
HISTOGRAMS = [metric for metric in METRICS if metric.kind == "histogram"]
PIECES = [
    *" .-_/:@=+\"'?&", "e-", "a" * 15, "f" * 19, "B" * 8, "C", "1", "41", "4111", "123456789",
    "com", "dapi", "LTAI", "EAA", "AKIA", "hvs.", "sk-", "hf_", "eyJ", "SG.", "DE89", "token ",
    "bearer ", "basic ", "password", "secret", "key", "code", "atlasv", "hooks.slack.com",
    "4111111111111111", "078-05-1120", "npm_" + "a" * 20, "xai-" + "b" * 20, "dapi" + "f" * 32,
    "hvs." + "c" * 20, "LTAI" + "B" * 12, "eve@example.com", "lin_api_" + "d" * 12,
    "glpat-" + "e" * 12,
]  # fmt: skip
"""What secrets are made of, and what spared texts are."""
UTF8_BYTES = 4
"""The most bytes that one character takes."""


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_pipelines_limit_memory_first(pipeline: str) -> None:
    """
    A pipeline that senders reach refuses what it has no memory for before it does anything else.
    """
    reached = set(PIPELINES[pipeline]["receivers"]) & set(GATEWAY["receivers"])

    assert bool(reached) == (PIPELINES[pipeline]["processors"][0] == "memory_limiter")


@pytest.mark.parametrize("pipeline", ["traces", "logs"])
def test_detail_is_redacted_between_two_cuts(pipeline: str) -> None:
    """
    Whatever carries texts passes the redaction, too long by a margin before and cut after it.
    """
    last = PIPELINES[pipeline]["processors"][-4:]

    assert ["transform/limits", "redaction/names", "redaction", "transform/cut"] == last


def test_names_that_are_spared_the_patterns_match_none() -> None:
    """
    A name that the redaction does not look at is none that it would find, nor one that it has to.
    """
    settings = GATEWAY["processors"]["redaction/names"]
    patterns = [re.compile(pattern) for pattern in settings["blocked_key_patterns"]]
    spared = settings["ignored_keys"]

    assert [] == [name for name in spared if any(each.search(name) for each in patterns)]
    assert {MODEL_NAME.name, CONFIDENCE.name} <= set(spared)


def test_texts_that_are_spared_the_patterns_match_none() -> None:
    """
    Of 20,000 texts made of what secrets begin with, none that is not looked at holds a match.
    """
    settings = GATEWAY["processors"]["redaction"]
    (spared,) = map(re.compile, settings["allowed_values"])
    patterns = [re.compile(pattern) for pattern in settings["blocked_values"]]
    drawn = random.Random(7)
    texts = ["".join(drawn.choices(PIECES, k=drawn.randint(1, 6))) for _ in range(20_000)]
    passed = [text for text in texts if spared.search(text)]

    assert [] == [text for text in passed if any(each.search(text) for each in patterns)]
    assert len(passed) > 1_000
    # The pieces can make what is masked.
    assert any(each.search(text) for text in texts for each in patterns)


def test_spans_are_counted_redacted_and_before_they_are_sampled() -> None:
    """
    Span metrics are made of all spans, after the redaction and before the sampling.
    """
    assert ["span_metrics", "forward/traces"] == PIPELINES["traces"]["exporters"]
    assert {"receivers": ["forward/traces"], "processors": ["tail_sampling"],
            "exporters": ["otlp_grpc/tempo"]} == PIPELINES["traces/sampled"]  # fmt: skip


@pytest.mark.parametrize("exporter", GATEWAY["exporters"])
def test_exporters_keep_on_disk_and_never_give_up(exporter: str) -> None:
    """
    What cannot be delivered waits in a queue on disk, and is tried again without end.
    """
    settings = GATEWAY["exporters"][exporter]

    assert "0s" == settings["retry_on_failure"]["max_elapsed_time"]
    assert settings["sending_queue"]["storage"] in GATEWAY["extensions"]


@pytest.mark.parametrize("storage", STORAGES)
def test_a_queue_ends_before_its_disk_and_outlives_it(storage: str) -> None:
    """
    A queue has a size, as a full disk can't be emptied, and set aside where seen broken.
    """
    settings = GATEWAY["extensions"][storage]
    users = [e for e in GATEWAY["exporters"].values() if e["sending_queue"]["storage"] == storage]
    volume = VALUES["statefulset"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]
    room = int(volume["storage"].removesuffix("Gi")) * 2**30

    assert settings["recreate"] is True
    # While one is compacted there are two of it.
    assert 0 < 2 * settings["max_size"] * len(users) <= room / len(STORAGES)


def test_metrics_and_events_are_confirmed_by_the_disk() -> None:
    """
    What a sender was told is kept survives a power cut; only traces are too many single writes.
    """
    confirmed = {name: e["sending_queue"]["storage"] for name, e in GATEWAY["exporters"].items()}

    assert {"otlp_http/prometheus": True, "otlp_http/loki": True, "otlp_grpc/tempo": False} == {
        name: GATEWAY["extensions"][storage]["fsync"] for name, storage in confirmed.items()
    }


def test_senders_of_metrics_wait_and_others_are_told() -> None:
    """
    A full queue makes senders of metrics wait: a total that comes later has everything in it.

    Spans and events do not come again; there the loss is counted, and nobody's program waits.
    """
    assert {"otlp_http/prometheus": True, "otlp_http/loki": False, "otlp_grpc/tempo": False} == {
        name: exporter["sending_queue"].get("block_on_overflow", False)
        for name, exporter in GATEWAY["exporters"].items()
    }


def test_connections_end_so_that_new_replicas_get_some() -> None:
    """
    By gRPC a sender stays with the gateway that it found: within minutes it has to look again.
    """
    server = GATEWAY["receivers"]["otlp"]["protocols"]["grpc"]["keepalive"]["server_parameters"]

    assert {"max_connection_age": "5m", "max_connection_age_grace": "30s"} == server


def policies() -> dict[str, dict[str, Any]]:
    return {policy["name"]: policy for policy in GATEWAY["processors"]["tail_sampling"]["policies"]}


def test_sampling_keeps_errors_slow_and_unsure_traces() -> None:
    """
    The sampling policies use the attributes and thresholds of the table of signals.
    """
    tier, batch, own = policies()["low-confidence"]["ottl_condition"]["span"]
    slow = policies()["slow"]["latency"]["threshold_ms"]

    assert tier.endswith(f' and span.attributes["{CONFIDENCE.name}"] < {LOW_CONFIDENCE}')
    assert batch.endswith(f' and span.attributes["{CONFIDENCE_MIN.name}"] < {LOW_CONFIDENCE}')
    assert own.endswith(f'["{CONFIDENCE.name}"] < span.attributes["{THRESHOLD.name}"]')
    assert slow / 1000 in LATENCY_EDGES
    assert ["ERROR"] == policies()["errors"]["status_code"]["status_codes"]


def test_span_metrics_share_edges_and_names() -> None:
    """
    Span metrics have the duration histogram's edges and dimensions of the table of signals.
    """
    connector = GATEWAY["connectors"]["span_metrics"]
    edges = connector["histogram"]["explicit"]["buckets"]
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
    seconds = [
        float(number) * units[unit]
        for number, unit in (re.findall(r"([\d.]+)(\w+)", edge)[0] for edge in edges)
    ]

    assert pytest.approx(list(LATENCY_EDGES)) == seconds
    assert [MODEL_NAME.name, MODEL_VERSION.name, TIER.name] == [
        dimension["name"] for dimension in connector["dimensions"]
    ]


def test_event_names_survive_loki() -> None:
    """
    The gateway copies an event's name into the attribute that Loki keeps.
    """
    statements = GATEWAY["processors"]["transform/event_name"]["log_statements"]

    assert f'set(log.attributes["{EVENT_NAME.name}"], log.event_name)' in statements[0]


def mappings(kind: str) -> list[tuple[str, list[float]]]:
    """
    What a name of StatsD has to match for which edges, in the order in which it is tried.
    """
    for mapping in GATEWAY["receivers"]["statsd"]["timer_histogram_mapping"]:
        if mapping["statsd_type"] == kind:
            explicit = mapping["histogram"]["explicit_buckets"]
            return [(each["matcher_pattern"], each["buckets"]) for each in explicit]
    raise AssertionError(kind)


def edges_of(kind: str, name: str) -> list[float]:
    return next(buckets for pattern, buckets in mappings(kind) if re.search(pattern, name))


@pytest.mark.parametrize("metric", HISTOGRAMS, ids=lambda metric: metric.name)
def test_statsd_gives_our_histograms_their_edges(metric: Metric) -> None:
    """
    A histogram of ours that comes by StatsD has at least the edges that the SDK gives it.
    """
    assert set(metric.edges) <= set(edges_of("histogram", metric.name))
    assert edges_of("histogram", metric.name) == edges_of("distribution", metric.name)


@pytest.mark.parametrize("kind", ["timing", "histogram", "distribution"])
def test_statsd_makes_no_exponential_histogram(kind: str) -> None:
    """
    Every name finds explicit edges, since Prometheus gives exponential ones no _bucket series.
    """
    in_ms = [round(edge * 1000, 6) for edge in LATENCY_EDGES]
    expected = in_ms if kind == "timing" else sorted({*LATENCY_EDGES, *in_ms})

    assert expected == edges_of(kind, "anything.at-all_0")


def numbers(signal: str, context: str, function: str, processor: str = "limits") -> list[int]:
    """
    The limits that a function is given in one context of a transform processor.
    """
    groups = GATEWAY["processors"][f"transform/{processor}"][f"{signal}_statements"]
    statements = next(each["statements"] for each in groups if each["context"] == context)

    return [int(n) for n in re.findall(rf"{function}\([\w.]+, (\d+)", "\n".join(statements))]


@pytest.mark.parametrize("context", ["span", "log"])
def test_what_the_sdk_sends_is_never_cut(context: str) -> None:
    """
    The longest text of the SDK, and as many attributes as OpenTelemetry allows a span, pass whole.
    """
    signal = {"span": "trace", "log": "log"}[context]
    most = {"span": 128, "log": Limits().labels}[context]

    assert COMMENT_LIMIT * UTF8_BYTES == numbers(signal, context, "truncate_all", "cut")[0]
    assert [most] == numbers(signal, context, "limit")
    assert LABEL_LIMIT == numbers(signal, context, "truncate_all", "cut")[1]


@pytest.mark.parametrize(
    ("signal", "context"), [("trace", "span"), ("trace", "spanevent"), ("log", "log")]
)
def test_the_first_cut_leaves_a_margin_for_the_redaction(signal: str, context: str) -> None:
    """
    Each text is longer by one margin before the redaction than after it.
    """
    before = numbers(signal, context, "truncate_all")
    after = numbers(signal, context, "truncate_all", "cut")

    assert [512, 512] == [b - a for b, a in zip(before, after, strict=True)]


def test_a_line_fits_into_loki() -> None:
    """
    Metadata of a log record, cut as far as it goes, stays below Loki's 64 KiB and 128 entries.
    """
    entries = {c: numbers("log", c, "limit")[0] for c in ("resource", "scope", "log")}
    shortest = {c: numbers("log", c, "truncate_all")[-1] for c in ("resource", "scope")}
    shortest["log"] = numbers("log", "log", "truncate_all", "cut")[-1]
    # Trace, span, flags, two severities, time seen, what was dropped; the scope's name, version and
    # what it dropped; the level that Loki finds by itself.
    of_the_record = 11

    assert 128 == sum(entries.values()) + of_the_record
    assert sum(entries[c] * shortest[c] for c in entries) < 64 * 1024


def test_what_waits_on_its_way_is_still_taken() -> None:
    """
    A point may be half as old as Prometheus's window when it comes, and wait as long again.
    """
    prometheus = yaml.safe_load((FILE.parents[1] / "prometheus" / "prometheus.yml").read_text())
    window = re.fullmatch(r"(\d+)h", prometheus["storage"]["tsdb"]["out_of_order_time_window"])
    filtered = "\n".join(
        condition
        for group in GATEWAY["processors"]["filter/limits"]["metric_conditions"]
        for condition in group["conditions"]
    )
    (oldest,) = re.findall(r'datapoint\.time < Now\(\) - Duration\("(\d+)h"\)', filtered)

    assert window
    assert int(window[1]) == 2 * int(oldest)


def test_events_may_be_as_late_as_points() -> None:
    """
    Loki takes what is younger by half a chunk's age, and asks ingesters for all that they hold.
    """
    folder = FILE.parents[1]
    prometheus = yaml.safe_load((folder / "prometheus" / "prometheus.yml").read_text())
    loki = yaml.safe_load((folder / "loki" / "loki.yaml").read_text())
    late, oldest = (
        re.fullmatch(r"(\d+)h", given)
        for given in (
            prometheus["storage"]["tsdb"]["out_of_order_time_window"],
            loki["ingester"]["max_chunk_age"],
        )
    )

    assert late
    assert oldest
    assert int(oldest[1]) == 2 * int(late[1])
    assert 0 == loki["querier"]["query_ingesters_within"]


def test_points_with_too_many_labels_go_as_a_whole() -> None:
    """
    A point with more labels than the server takes is dropped; none loses labels, or is merged.
    """
    conditions = {
        group["context"]: group["conditions"]
        for group in GATEWAY["processors"]["filter/limits"]["metric_conditions"]
    }

    assert f"Len(datapoint.attributes) > {Limits().labels}" == conditions["datapoint"][0]
    assert [Limits().label_value_bytes] == numbers("metric", "datapoint", "truncate_all")
