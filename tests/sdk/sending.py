"""This module sends a batch of spans in this process, and says what became of it."""

import os
from collections import Counter
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_confidence.sdk import exporters
from otel_confidence.sdk.delivery import Delivery, SpanDelivery
from otel_confidence.sdk.outages import Outage


class Sent:
    """One batch of spans that was sent, and what became of it."""

    def __init__(self, count: int, *, impatient: bool = False) -> None:
        """
        Send.

        Args:
            count: how many spans.
            impatient: end the exporter's tries once somebody says why.
        """
        self.why: list[str] = []
        self.in_part: list[str] = []
        self.lost: Counter[str] = Counter()
        delivery = Delivery("span", 100, lambda _, why, number: self.lost.update({why: number}))
        made = exporters.otlp("traces")()

        def say(_: str, why: str) -> None:
            self.why.append(why)
            if impatient and len(self.why) == 1:
                made.shutdown()

        outage = Outage(say, lambda _, why: self.in_part.append(why))
        for _ in range(count):
            delivery.admit()
        sender = SpanDelivery(lambda: made, delivery, outage)
        self.result: Any = sender.export(_spans(count))
        if not self.why:
            sender.shutdown()
        del self.lost[""]

    @property
    def arrived(self) -> bool:
        """Whether the exporter takes it for success."""
        return bool(self.result is SpanExportResult.SUCCESS)


def _spans(count: int) -> list[Any]:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    spans: list[Any] = [tracer.start_span(f"s{n}") for n in range(count)]
    for span in spans:
        span.end()
    return spans


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of the environment say where to send, or whom to trust."""
    for name in [*os.environ]:
        if name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
