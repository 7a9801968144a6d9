"""This module checks that counters are seen to begin at zero, over real HTTP."""

from collections.abc import Iterator

import pytest
from tests.sdk.collector import Collector, collector
from tests.sdk.programs import run


@pytest.fixture(name="gateway")
def _gateway() -> Iterator[Collector]:
    with collector() as made:
        yield made


def test_a_program_shorter_than_two_exports_has_rates(gateway: Collector) -> None:
    """
    Zero arrives for every series before its first count, so that what was counted is an increase.
    """
    run(
        """
oc.configure(service_name="digits")
for _ in range(3):
    classify()
tell()
""",
        gateway,
    )
    counts = gateway.points("ml.predictions", ml_prediction_decision="accept")
    high = [p for p in counts if "high" in {a.value.string_value for a in p.attributes}]
    confidences = gateway.points("ml.prediction.confidence")

    assert (0, 3) == (high[0].as_int, high[-1].as_int)
    assert high[0].time_unix_nano < high[-1].time_unix_nano
    assert (0, 3) == (confidences[0].count, confidences[-1].count)
    assert 0 == sum(confidences[0].bucket_counts)
    assert len(confidences[0].bucket_counts) == len(confidences[-1].bucket_counts)
    assert confidences[0].time_unix_nano < confidences[-1].time_unix_nano


def test_a_series_born_later_begins_at_zero_once(gateway: Collector) -> None:
    """
    A series that appears between exports was zero at the one before; nothing begins twice.
    """
    run(
        """
oc.configure(service_name="digits")
classify()
oc.flush(60)
oc.record_error("KeyError", model="m", version="1")
oc.flush(60)
oc.record_error("KeyError", model="m", version="1")
oc.shutdown()
tell()
""",
        gateway,
    )
    errors = gateway.points("ml.errors", error_type="KeyError")
    times = [point.time_unix_nano for point in errors]
    counts = [point.as_int for point in errors]

    assert [0, 1, 2] == sorted(set(counts))
    assert 1 == counts.count(0)
    # Metrics leave by themselves too, once: what was counted may be told again.
    assert sorted(counts) == counts
    assert sorted(times) == times
    assert [0] == [p.as_int for p in gateway.points("ml.predictions")][:1]


def test_delta_counters_have_no_beginning(gateway: Collector) -> None:
    """
    Where only differences are sent, none of them is a zero of ours.
    """
    run(
        "oc.configure(service_name='digits'); classify(); tell()",
        gateway,
        {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"},
    )

    assert [1] == [point.count for point in gateway.points("ml.prediction.confidence")]


def test_a_model_is_known_before_it_predicts(gateway: Collector) -> None:
    """
    Metrics are sent as soon as a model is declared, without anybody's waiting for it.
    """
    told = run(
        """
oc.configure(service_name="digits")
deadline = time.monotonic() + 120
while time.monotonic() < deadline:
    if oc.sdk.providers._pipelines.made["metrics"].metric._births._known:
        break
    threading.Event().wait(0.01)
tell(known=len(oc.sdk.providers._pipelines.made["metrics"].metric._births._known))
os._exit(0)
""",
        gateway,
    )

    assert 0 < told["known"]
    assert {0} == {point.as_int for point in gateway.points("ml.predictions")}
