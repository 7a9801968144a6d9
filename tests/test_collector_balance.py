"""
This module checks that an agent gives each trace to one of several gateways, as a whole.
"""

import os
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collecting import Collector, gateway, running
from tests.otlp import send, span
from tests.running import until

TRACES = 200


def part(name: str, traces: list[bytes]) -> bytes:
    """
    A request with one span of each trace.
    """
    request = ExportTraceServiceRequest()
    for trace in traces:
        made = span(name)
        made.resource_spans[0].scope_spans[0].spans[0].trace_id = trace
        request.MergeFrom(made)
    return request.SerializeToString()


def traces(collector: Collector) -> list[tuple[str, str]]:
    """
    Trace and name of each span that came to a gateway.
    """
    return sorted((each["traceId"], each["name"]) for each in collector.spans())


def test_each_trace_is_whole_at_one_gateway(tmp_path: Path) -> None:
    """
    Of 200 traces that come in two halves both of each are at the same one of two gateways.
    """
    ids = [os.urandom(16) for _ in range(TRACES)]
    with gateway(tmp_path / "one") as one, gateway(tmp_path / "other") as other:
        # The name behind which gateways are is one with many addresses; here are two ports instead.
        resolver = {"dns": None, "static": {"hostnames": [one.grpc, other.grpc]}}
        overlay = {
            "exporters": {
                "otlp_grpc/gateway": {"endpoint": one.grpc},
                "load_balancing/traces": {"resolver": resolver},
            },
        }
        with running(tmp_path / "agent", ("agent",), overlay) as agent:
            for half in ("first", "second"):
                send(agent, "traces", part(half, ids))
            until(lambda: len(one.spans()) + len(other.spans()) == 2 * TRACES)
        found = [traces(collector) for collector in (one, other)]
    shares = [{trace for trace, _ in each} for each in found]

    assert {each.hex() for each in ids} == shares[0] | shares[1]
    whole = [
        [(trace, half) for trace in sorted(share) for half in ("first", "second")]
        for share in shares
    ]

    assert whole == found
    # The ring and chance give each a half, with a deviation of a sixteenth.
    assert min(map(len, shares)) > 20
