"""This module checks configure, flush and shutdown in processes of their own, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.sdk.collector import Collector, collector
from tests.sdk.programs import run as _run

_EXPORT_S = 200
"""How long OpenTelemetry's exporters themselves wait and try again where these tests say so."""
_PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": str(_EXPORT_S)}


@pytest.fixture(name="gateway")
def _gateway() -> Iterator[Collector]:
    with collector() as made:
        yield made


def test_everything_arrives(gateway: Collector) -> None:
    """
    Flush delivers metrics, span and events, says True, and a second configure adds no thread.
    """
    told = _run(
        """
oc.configure(service_name="digits")
threads = threading.active_count()
oc.configure(service_name="digits")
classify()
tell(threads=threading.active_count() - threads, flushed=oc.flush(60))
""",
        gateway,
    )

    assert (0, True) == (told["threads"], told["flushed"])
    assert [1] == list(gateway.totals("ml.prediction.confidence").values())
    assert [1] == list(gateway.totals("ml.predictions").values())
    assert ["predict m"] == [span.name for span in gateway.spans()]
    assert {"/v1/logs", "/v1/traces", "/v1/metrics"} == {path for path, _ in gateway.requests}
    (name,) = {
        attribute.value.string_value
        for _, request in gateway.requests
        for resource in getattr(request, "resource_spans", ())
        for attribute in resource.resource.attributes
        if attribute.key == "service.name"
    }
    assert "digits" == name


def test_process_end_delivers(gateway: Collector) -> None:
    """
    What waits when the program ends is delivered.
    """
    _run("oc.configure(service_name='digits'); classify(); tell()", gateway)

    assert [1] == list(gateway.totals("ml.predictions").values())
    assert 1 == len(gateway.spans())


def test_shutdown_is_idempotent_and_recording_goes_on(gateway: Collector) -> None:
    """
    Shutdown says the same twice; calls after it run and are counted as dropped.
    """
    told = _run(
        """
from otel_confidence import conventions as c
telemetry = oc.configure(service_name="digits")
classify()
answers = [oc.shutdown(), oc.shutdown()]
classify()
tell(answers=answers, late=telemetry.sums.value(c.DROPPED, otel_confidence_reason="shutdown"))
""",
        gateway,
    )

    assert [True, True] == told["answers"]
    assert 1 <= told["late"]
    assert [1] == list(gateway.totals("ml.predictions").values())


def test_configure_after_shutdown_begins_anew(gateway: Collector) -> None:
    """
    A program that ended delivery can begin it again.
    """
    told = _run(
        """
oc.configure(service_name="digits")
oc.shutdown()
oc.configure(service_name="digits")
classify()
tell(sent=oc.shutdown())
""",
        gateway,
    )

    assert told["sent"] is True
    assert 1 in gateway.totals("ml.prediction.confidence").values()
    assert 1 == len(gateway.spans())


def test_a_program_may_begin_and_end_as_often_as_it_likes(gateway: Collector) -> None:
    """
    As a web service does in its tests: each time everything arrives, and nothing is complained of.
    """
    told = _run(
        """
sent = []
for _ in range(3):
    oc.configure(service_name="digits")
    classify()
    sent += [oc.flush(60), oc.shutdown(60)]
tell(sent=sent)
""",
        gateway,
    )

    assert [True] * 6 == told["sent"]
    assert "" == told["stderr"]
    assert 3 in gateway.totals("ml.predictions").values()
    assert 3 == len(gateway.spans())


@pytest.mark.parametrize("status", [302, 400, 503])
def test_refused_telemetry_makes_flush_say_so(gateway: Collector, status: int) -> None:
    """
    A collector that redirects or refuses has not been delivered to.
    """
    gateway.status = status
    told = _run(
        """
from otel_confidence import conventions as c
telemetry = oc.configure(service_name="digits")
classify()
flushed, took = timed(oc.flush, 1.0)
ended, last = timed(oc.shutdown, 1.0)
def dropped(signal):
    return telemetry.sums.value(c.DROPPED, otel_confidence_signal=signal)
tell(flushed=flushed, took=took, ended=ended, last=last, span=dropped("span"),
     event=dropped("event"))
""",
        gateway,
        _PATIENT,
    )

    assert (False, False) == (told["flushed"], told["ended"])
    assert max(told["took"], told["last"]) < _EXPORT_S / 2
    assert (1, 1) == (told["span"], told["event"])


def test_silent_collector_holds_nobody_up(gateway: Collector) -> None:
    """
    Flush and the end of the process keep to their times when nobody answers.
    """
    gateway.silent.set()
    told = _run(
        """
oc.configure(service_name="digits", shutdown_timeout_s=1.0)
classify()
flushed, took = timed(oc.flush, 0.5)
tell(flushed=flushed, took=took)
""",
        gateway,
        _PATIENT,
    )

    assert told["flushed"] is False
    assert told["took"] < _EXPORT_S / 2


def test_forked_child_counts_from_zero(gateway: Collector) -> None:
    """
    What the parent counted before the fork is reported once, by the parent alone.
    """
    _run(
        """
oc.configure(service_name="digits")
for _ in range(100):
    classify()
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        classify()
        os._exit(0 if oc.flush(60) else 1)
    children.append(child)
status = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert status == [0, 0], status
tell(flushed=oc.flush(60))
""",
        gateway,
    )

    for metric in ("ml.predictions", "ml.prediction.confidence", "otel_confidence.records"):
        assert 3 == len(gateway.totals(metric)), metric
    assert [1, 1, 100] == sorted(gateway.totals("ml.predictions").values())
    assert [1, 1, 100] == sorted(gateway.totals("ml.prediction.confidence").values())
    assert 102 == len(gateway.spans())


def test_programs_own_providers_are_used() -> None:
    """
    Providers that the program has set are recorded through; none is made, none replaced.
    """
    told = _run(
        """
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
trace.set_tracer_provider(TracerProvider())
_logs.set_logger_provider(LoggerProvider())
threads = threading.active_count()
oc.configure(service_name="digits")
classify()
names = [m.name for m in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics]
tell(threads=threading.active_count() - threads, names=names, flushed=oc.flush(1))
"""
    )

    assert 0 == told["threads"]
    assert "ml.prediction.confidence" in told["names"]
    assert told["flushed"] is True


def test_providers_set_later_are_followed() -> None:
    """
    Without configure, a meter provider that the program sets after decorating is found by itself.
    """
    told = _run(
        """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
classify()
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
classify()
found = {m.name: m for m in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
predictions = sum(p.value for p in found["ml.predictions"].data.data_points)
tell(predictions=predictions)
"""
    )

    assert 1 == told["predictions"]
    assert "" == told["stderr"]


def test_disabled_sdk_is_respected() -> None:
    """
    OTEL_SDK_DISABLED leaves the function alone with itself and starts no thread.
    """
    told = _run(
        """
oc.configure(service_name="digits")
classify()
tell(receipt=oc.last_receipt(), threads=threading.active_count(), flushed=oc.flush(1))
""",
        variables={"OTEL_SDK_DISABLED": "true"},
    )

    assert ("", 1, True) == (told["receipt"], told["threads"], told["flushed"])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "http/protobuf"),
        ({"OTEL_METRICS_EXPORTER": "carrier-pigeon"}, "carrier-pigeon"),
        ({"OTEL_CONFIDENCE_MAX_MODELS": "many"}, "OTEL_CONFIDENCE_MAX_MODELS"),
    ],
)
def test_wrong_variables_fail_in_configure(variables: dict[str, str], message: str) -> None:
    """
    What the environment says wrongly is refused in configure by name.
    """
    told = _run(
        """
try:
    oc.configure(service_name="digits")
except oc.ConfigurationError as error:
    tell(error=str(error), threads=threading.active_count())
""",
        variables=variables,
    )

    assert message in told["error"]
    assert 1 == told["threads"]


@pytest.mark.parametrize(
    ("variables", "module", "extra"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "opentelemetry.exporter.otlp.proto.grpc", "grpc"),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus"},
            "opentelemetry.exporter.prometheus",
            "prometheus",
        ),
    ],
)
def test_missing_libraries_name_their_extra(
    variables: dict[str, str], module: str, extra: str
) -> None:
    """
    An exporter whose library is not installed is refused by the extra to install.
    """
    told = _run(
        f"""
import sys
sys.modules['{module}'] = None
try:
    oc.configure(service_name="digits")
except oc.ConfigurationError as error:
    tell(error=str(error))
""",
        variables=variables,
    )

    assert f"otel-confidence[{extra}]" in told["error"]


def page(*, flushes: int) -> list[str]:
    """The lines of our own page about errors, after flushes between two kinds of them."""
    port = free_port()
    told: dict[str, list[str]] = _run(
        f"""
import urllib.request
oc.configure(service_name="digits")
classify()
oc.record_error(KeyError("x"), model="m")
for _ in range({flushes}):
    oc.flush(60)
oc.record_error(ValueError("x"), model="m", component="ranker", severity="high")
page = urllib.request.urlopen("http://127.0.0.1:{port}/metrics").read().decode()
wanted = ("ml_predictions_total", "ml_errors_total")
tell(lines=[line for line in page.splitlines() if line.startswith(wanted)])
""",
        variables={
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        },
    )
    return told["lines"]


def test_prometheus_exporter_serves_metrics() -> None:
    """
    OTEL_METRICS_EXPORTER=prometheus serves our metrics under their Prometheus names.
    """
    lines = [line for line in page(flushes=0) if line.startswith("ml_predictions_total")]

    assert any(line.endswith(" 1.0") for line in lines)


def test_prometheus_pages_are_the_same_after_a_flush() -> None:
    """
    A flush between two series with other labels neither repeats nor mislabels any of them.
    """
    assert page(flushes=0) == page(flushes=3)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_of_multiprocessing_deliver_when_they_return(
    gateway: Collector, tmp_path: Path, method: str
) -> None:
    """
    A process of multiprocessing, which leaves without atexit, delivers what it recorded.
    """
    _run(
        f"""
import multiprocessing

def work():
    oc.configure(service_name="digits")
    for _ in range(10):
        classify()

if __name__ == "__main__":
    oc.configure(service_name="digits")
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=work) for _ in range(2)]
    [child.start() for child in children]
    [child.join(120) for child in children]
    tell(codes=[child.exitcode for child in children])
""",
        gateway,
        folder=tmp_path,
    )

    assert [10, 10] == sorted(gateway.totals("ml.predictions").values())[-2:]
    assert 20 == len(gateway.spans())


def test_a_pool_that_is_closed_delivers(gateway: Collector, tmp_path: Path) -> None:
    """
    Workers of pools deliver when they are let go in an orderly way.
    """
    _run(
        """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

if __name__ == "__main__":
    oc.configure(service_name="digits")
    pool = multiprocessing.get_context("fork").Pool(2)
    pool.map(classify, range(10))
    pool.close()
    pool.join()
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as executor:
        list(executor.map(classify, range(10)))
    tell()
""",
        gateway,
        folder=tmp_path,
    )

    assert 20 == sum(gateway.totals("ml.predictions").values())
    assert 20 == len(gateway.spans())


def test_endless_patience_is_taken(gateway: Collector) -> None:
    """
    A flush or end that may wait for ever is no error.
    """
    told = _run(
        """
telemetry = oc.configure(service_name="digits", shutdown_timeout_s=float("inf"))
classify()
flushed = oc.flush(float("inf"))
tell(flushed=flushed, ended=oc.shutdown())
""",
        gateway,
    )

    assert (True, True, "") == (told["flushed"], told["ended"], told["stderr"])
