"""This module checks labels: few, short, printable, exact in total; none costs another record."""

import dataclasses
import logging
import math
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import otel_confidence as oc
from otel_confidence import conventions as c
from otel_confidence.errors import ConfigurationError
from otel_confidence.testing import Capture

HOSTILE = {
    "lone surrogate": "a\ud800b",
    "null": "a\x00b",
    "line break": "a\r\nb",
    "right to left": "a\u202eb",
    "terminal": "a\x1b[31mb",
    "quotes": 'a"b\\c',
    "separators": "a{b}=c,d|e:f#g",
    "long": "x" * 10_000,
}


def _everywhere(text: str) -> Iterator[Any]:
    """
    A record of each kind with this text wherever a text can stand.
    """
    given = {"region": text, text: text}
    yield oc.Prediction(text, text, 0.5, text, "reported", id=1)
    yield oc.Outcome(text, text, correct=True, truth=text, confidence=0.5, prediction_id=7)
    yield oc.Feedback(text, text, 0.5, comment=text, attributes=given, metadata={text: text})
    yield oc.Failure(text, text, text)
    yield oc.Failure(text, text, text, component=text, attributes=given, recovered=True)
    yield oc.Performance(text, text, text, 0.5, attributes=given)
    yield oc.Performance(text, text, text, 0.5, estimated=True, lower=0.25)
    yield oc.Usage(text, text, duration_s=1, attributes=given)
    yield oc.Learning(text, text, accuracy=0.5, samples=1, attributes=given)
    yield oc.Optimization(text, text, 1, 2, id=text, attributes=given, metadata={text: text})
    yield oc.Resource(text, text, utilization=0.5, attributes=given)
    yield oc.DataQuality(text, text, {text: False}, attributes=given, metadata={text: text})


class Exporters:
    """
    A telemetry whose batches can be encoded as OTLP and scraped.
    """

    def __init__(self, settings: oc.Settings | None = None) -> None:
        self.reader = InMemoryMetricReader()
        self.registry = CollectorRegistry()
        scraped = PrometheusMetricReader(registry=self.registry)
        self.spans = InMemorySpanExporter()
        self.logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # as shipped
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        meters = MeterProvider([self.reader, scraped], shutdown_on_exit=False)
        self.telemetry = oc.Telemetry(meters, tracers, loggers, settings)

    def sent(self) -> bytes:
        """
        Everything as OTLP; raises where one record can't be encoded.
        """
        metrics = self.reader.get_metrics_data()
        assert metrics is not None
        return b"".join((
            encode_metrics(metrics).SerializeToString(),
            encode_logs(self.logs.get_finished_logs()).SerializeToString(),
            encode_spans(self.spans.get_finished_spans()).SerializeToString(),
        ))  # fmt: skip

    def scraped(self) -> dict[str, int]:
        """
        How many samples each metric family has on a Prometheus page.
        """
        page = generate_latest(self.registry).decode("utf-8", "strict")
        return {f.name: len(f.samples) for f in text_string_to_metric_families(page)}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_leave_batch_scrape_and_log_valid(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Whatever stands in names, labels and texts, every path can carry it, printable and short.
    """
    settings = oc.Settings(metric_attributes=("region",), capture={"metadata": True})
    exporters = Exporters(settings)
    oc.record(*_everywhere(text), telemetry=exporters.telemetry)
    oc.record_error(text, severity=text, component=text, telemetry=exporters.telemetry)
    with oc.prediction(model="m", telemetry=exporters.telemetry) as p:
        p.set(confidence=0.5, label=text)
    sent = exporters.sent().decode("utf-8", "replace")

    assert exporters.scraped()["ml_component_actions"] >= 2
    assert not any(raw in sent for raw in ("\x1b[31m", "\u202eb", "a\r\nb", "a\x00b", "x" * 3_000))
    assert all(record.getMessage().isprintable() for record in caplog.records)
    assert exporters.telemetry.sums.value(c.INTERNAL_ERRORS) == 0


def test_names_that_differ_stay_different(telemetry: Capture) -> None:
    """
    Names are label values: dots, case and what lies beyond the limit tell them apart.
    """
    names = ["pred.total", "pred_total", "Pred.total", "x" * 1_000, "x" * 1_001]
    for name in names:
        telemetry.record_usage(component=name, action="a")
        telemetry.record(oc.Performance(name, metric="f1", value=0.5))

    assert 5 == len(telemetry.by("ml.component.actions", "ml.component.name"))
    assert 5 == len(telemetry.points("ml.performance.value"))
    assert all(
        len(str(value)) <= 256
        for point in telemetry.points("ml.component.actions")
        for value in point.attributes.values()
    )


def test_values_beyond_the_limit_share_one_series(caplog: pytest.LogCaptureFixture) -> None:
    """
    Totals stay exact, the series bounded, the excess is counted, and one warning names the label.
    """
    capture = Capture(oc.Settings(max_label_values=10))
    for number in range(1_000):
        capture.record_usage(component="search", action=f"user {number}", duration_s=1)
    by_action = capture.by("ml.component.actions", "ml.component.action.name")
    durations = capture.points("ml.component.action.duration")

    assert (11, 990, 1_000) == (len(by_action), by_action["_OTHER"], sum(by_action.values()))
    assert (11, 1_000) == (len(durations), sum(p.count for p in durations))
    assert {"too_many_values": 990} == capture.dropped()
    assert ["ml.component.action.name"] == [str((r.args or ("",))[0]) for r in caplog.records]  # type: ignore[index]


def test_combinations_beyond_the_limit_share_one_series() -> None:
    """
    Few values of each label can still make many series: counter and histogram fold alike.
    """
    capture = Capture(oc.Settings(max_series=50))
    for number in range(400):
        capture.record_usage(component=f"c{number % 20}", action=f"a{number // 20}", duration_s=1)
    counted = capture.points("ml.component.actions")
    durations = capture.points("ml.component.action.duration")

    assert (51, 400) == (len(counted), sum(p.value for p in counted))
    assert len(durations) <= 51
    assert 400 == sum(p.count for p in durations)


def test_a_gauge_is_never_folded() -> None:
    """
    Counts can share a series, levels can't: one without a series of its own is lost and counted.
    """
    capture = Capture(oc.Settings(max_label_values=2))
    for number in range(5):
        capture.record_resource(type="gpu", name=f"cuda:{number}", utilization=0.5, used=1)

    assert {"cuda:0", "cuda:1"} == {
        p.attributes["ml.resource.name"] for p in capture.points("ml.resource.used")
    }
    assert 6 == capture.value("otel_confidence.dropped", otel_confidence_signal="metric")
    assert 3 == capture.value("otel_confidence.dropped", otel_confidence_signal="attribute")


def test_only_declared_attributes_stand_on_metrics(caplog: pytest.LogCaptureFixture) -> None:
    """
    Of ten thousand attributes the declared ones are taken, the rest is counted and said once.
    """
    capture = Capture(oc.Settings(metric_attributes=("region", "app.plan")))
    given: dict[Any, Any] = {f"extra{n}": n for n in range(10_000)}
    for _ in range(2):
        capture.record_usage(
            component="c", action="a",
            attributes=given | {"region": "eu", "app.plan": None, 5: 1, "x" * 10**6: 1},
        )  # fmt: skip
    (counted,) = [p for p in capture.points("ml.component.actions") if p.value]

    assert "eu" == counted.attributes["region"]
    assert 4 == len(counted.attributes)
    assert {"undeclared": 20_004} == capture.dropped()
    assert ["extra0"] == [str((r.args or ("",))[0]) for r in caplog.records]  # type: ignore[index]


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (("",), "ASCII words joined by dots"),
        (("überlauf",), "ASCII words joined by dots"),
        (("a" * 64,), "at most 63 characters"),
        (("1st",), "ASCII words joined by dots"),
        (("app.plan", "app_plan"), "can't be told from the attribute of 'app.plan'"),
        (("region", "Region"), "can't be told from the attribute of 'region'"),
        (("region", "region"), "can't be told from the attribute of 'region'"),
        (("ml.model.name",), "can't be told from the attribute of 'ml.model.name'"),
        (("ml_model_name",), "can't be told from the attribute of 'ml.model.name'"),
        (("le",), "can't be told from the attribute of 'Prometheus'"),
        (("job",), "can't be told from the attribute of 'Prometheus'"),
        (tuple(f"a{n}" for n in range(17)), "takes 16 names"),
        ((5,), "must be a list of texts"),
        ("region", "must be a list of texts"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_names_that_could_be_confused_are_refused_at_set_up(names: Any, rule: str) -> None:
    """
    An attribute's name is checked when it is declared, with a sentence naming the rule.
    """
    with pytest.raises(ConfigurationError, match=rule):
        oc.Settings(metric_attributes=names)


def test_attribute_names_are_read_from_the_environment() -> None:
    """
    The names stand between commas.
    """
    settings = oc.Settings.read({"OTEL_CONFIDENCE_METRIC_ATTRIBUTES": "region, app.plan"})

    assert ("region", "app.plan") == settings.metric_attributes


def test_what_is_recorded_is_what_was_given() -> None:
    """
    Attributes that another thread changes all the time are recorded as they were at one moment.
    """
    capture = Capture(oc.Settings(metric_attributes=("region",)))
    attributes = {"region": "eu"}
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            attributes["region"] = "us"
            attributes.pop("more", None)
            attributes["region"] = "eu"
            attributes["more"] = "x"

    thread = threading.Thread(target=change)
    thread.start()
    for _ in range(2_000):
        capture.record_usage(component="c", action="a", attributes=attributes)
    stop.set()
    thread.join()
    regions = capture.by("ml.component.actions", "region")

    assert regions.keys() <= {"eu", "us"}
    assert 2_000 == sum(regions.values())
    assert 0 == capture.value("otel_confidence.internal.errors")


class Poison(Mapping[str, Any]):
    """
    A mapping that can't be read.
    """

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1


def _bent(record: Any, **values: Any) -> Any:
    """
    A record whose own checks were got round.
    """
    copy = dataclasses.replace(record)
    for name, value in values.items():
        object.__setattr__(copy, name, value)
    return copy


USAGE = oc.Usage("c", "a", duration_s=1)
POISON: dict[str, Any] = {
    "none": None,
    "text": "usage",
    "class": oc.Usage,
    "unhashable component": _bent(USAGE, component=[]),
    "object component": _bent(USAGE, component=object()),
    "unknown result": _bent(USAGE, result="maybe"),
    "array duration": _bent(USAGE, duration_s=np.array([1.0])),
    "text duration": _bent(USAGE, duration_s="1"),
    "nan duration": _bent(USAGE, duration_s=math.nan),
    "attributes": _bent(USAGE, attributes=Poison()),
    "huge samples": _bent(oc.Learning("c", samples=1), samples=10**400),
    "endless optimization": _bent(oc.Optimization("c", "x", 1, 2, id="i"), after=10**400),
    "surrogate id": oc.Optimization("c", "x", 1, 2, id="\ud800"),
    "checks": _bent(oc.DataQuality("m", checks={"x": False}), checks={object(): "fail"}),
    "unit": _bent(oc.Resource("disk", used=1), unit="parsec"),
    "comment": _bent(oc.Feedback("m", score=1), comment=object()),
    "metadata": _bent(oc.Feedback("m", score=1, comment="x"), metadata=Poison()),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_one_bad_record_in_a_thousand_costs_no_other(poison: Any) -> None:
    """
    The other 999 are measured, encoded and scraped, whatever the one was.
    """
    exporters = Exporters(oc.Settings(capture={"metadata": True}))
    good = oc.Usage("good", "a", duration_s=1)
    told = oc.Optimization("good", "x", 1, 2)
    oc.record(*[good] * 500, poison, *[told] * 499, telemetry=exporters.telemetry)

    assert 500 == exporters.telemetry.sums.value(c.COMPONENT_ACTIONS, ml_component_name="good")
    assert 499 <= sum(
        data.log_record.event_name == "ml.optimization.result"
        for data in exporters.logs.get_finished_logs()
    )
    assert exporters.sent()
    assert exporters.scraped()["ml_component_actions"] >= 2


def test_a_warning_names_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """
    What a wrong value held is scrubbed before it is logged, and never cut into half a secret.
    """
    secret = "AKIA" + "IOSFODNN7EXAMPLF"
    capture = Capture(oc.Settings())
    with caplog.at_level(logging.WARNING):
        capture.record_usage(component="c", action="a", result=secret)
        capture.record_usage(component="c", action="a", duration_s=secret + "x" * 100)  # type: ignore[arg-type]

    assert 2 == len(caplog.records)
    assert "AKIA" not in caplog.text
    assert "[redacted:aws_access_key_id]" in caplog.text
