"""This module checks what a program hears and waits for when nothing takes its telemetry."""

import pytest
from tests.ports import free_port
from tests.sdk.collector import Collector, collector
from tests.sdk.programs import run

SENTENCE = (
    "otel_confidence: nothing arrives at {} ({}): start `otel-confidence up` or a Collector there, "
    "or name another place in OTEL_EXPORTER_OTLP_ENDPOINT; counts are kept until it answers, spans "
    "and events are not\n"
)


@pytest.mark.parametrize(
    ("protocol", "place"), [("http/protobuf", "http://127.0.0.1:{}"), ("grpc", "127.0.0.1:{}")]
)
def test_nobody_there_is_one_sentence_and_a_short_wait(protocol: str, place: str) -> None:
    """
    Where nobody listens the program says so once, without a password, and ends soon.
    """
    port = free_port()
    told = run(
        """
def after():
    tell(took=time.monotonic() - began)

atexit.register(after)
oc.configure(service_name="digits", shutdown_timeout_s=21)
for _ in range(3):
    classify()
began = time.monotonic()
""",
        variables={
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://me:hidden@127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        },
    )
    # By gRPC, user and password are taken for a part of the host's name.
    whys = {
        "http/protobuf": ["connection refused"],
        "grpc": ["name or service not known", "temporary failure in name resolution"],
    }
    said = [SENTENCE.format(place.format(port), why) for why in whys[protocol]]

    assert told["stderr"] in said
    assert told["took"] < 21


def test_a_collector_that_comes_back_gets_every_count() -> None:
    """
    What was counted while nobody listened is delivered as soon as somebody does.
    """
    port = free_port()
    told = run(
        f"""
from tests.sdk.collector import collector

oc.configure(service_name="digits")
classify()
missed = oc.flush(0.3)
with collector({port}) as gateway:
    classify()
    deadline = time.monotonic() + 120
    while not oc.flush(60) and time.monotonic() < deadline:
        pass
    predictions = list(gateway.totals("ml.predictions").values())
    ended = oc.shutdown()
tell(missed=missed, predictions=predictions, ended=ended)
""",
        variables={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"},
    )

    assert (False, [2], True) == (told["missed"], told["predictions"], told["ended"])
    assert 1 == told["stderr"].count("\n")


def test_a_refusal_is_said_by_its_status() -> None:
    """
    A collector that wants a key is named with what it answered.
    """
    with collector() as gateway:
        gateway.status = 401
        told = run("oc.configure(service_name='d'); classify(); oc.flush(2); tell()", gateway)

        assert SENTENCE.format(gateway.url, "answered 401") == told["stderr"]


def test_the_programs_own_exporters_go_on_logging() -> None:
    """
    Only what is logged about exports of ours is held back.
    """
    port = free_port()
    told = run(
        """
import logging
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

logging.basicConfig()
own = TracerProvider()
own.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(timeout=1)))
oc.configure(service_name="digits", tracer_provider=own)
classify()
oc.shutdown(0.1)
tell()
""",
        variables={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"},
    )

    assert "Failed to export spans" in told["stderr"]
    assert "metrics batch" not in told["stderr"]


def test_an_explicit_wait_is_kept() -> None:
    """
    Who says how long the end may wait is taken at the word, also where nobody answers.
    """
    told = run(
        """
oc.configure(service_name="digits")
classify()
ended, took = timed(oc.shutdown, 2.0)
tell(ended=ended, took=took)
""",
        variables={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"},
    )

    assert told["ended"] is False
    assert 1.9 <= told["took"]


def test_collectors_are_told_apart_from_their_absence() -> None:
    """
    A collector that is there and says no is waited for as long as ever: it may change its mind.
    """
    with collector() as gateway:
        gateway.status = 503
        told = run(
            """
oc.configure(service_name="digits", shutdown_timeout_s=2.4)
classify()
ended, took = timed(oc.shutdown)
tell(ended=ended, took=took)
""",
            gateway,
        )

    assert told["ended"] is False
    assert 2.3 <= told["took"]
    assert isinstance(gateway, Collector)
