"""
This module calls tracked functions that return, raise and declare whatever is hostile.

Run it by ``python -m tests.campaigns.hostile_calls --calls 1000000``; the seed is printed.
"""

import argparse
import contextlib
import dataclasses
import logging
import random
import sys
import time
import traceback
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.campaigns import hostile_values

import otel_confidence as oc
from otel_confidence import conventions as c
from otel_confidence.sdk import extract

EXPORT_EVERY = 500
"""Calls between two exports, in which all that was recorded is encoded as it would be sent."""
METHODS = (*c.UNCERTAINTY_METHOD.values, "", "nonsense", None)


@dataclass
class Figures:
    """
    What happened.
    """

    calls: int = 0
    returned: int = 0
    raised: int = 0
    stopped: int = 0
    """Calls that ended in something that is no error, such as being told to stop."""
    escaped: int = 0
    """Exceptions that reached the caller and were not the function's own."""
    changed: int = 0
    """Results and exceptions that were not the very object the function gave."""
    predicted: int = 0
    """Calls of which the duration histogram holds a success."""
    failed: int = 0
    """Errors counted."""
    cancelled: int = 0
    active: int = 0
    unbalanced: int = 0
    """Predictions given less predictions counted."""
    unsendable: int = 0
    """Exports that could not be encoded."""
    complaints: int = 0
    """Warnings and errors that OpenTelemetry logged or Python showed."""
    first: str = ""
    """The first thing that went wrong."""

    @property
    def flawless(self) -> bool:
        """
        Whether nothing reached the program and everything was counted.
        """
        counted = (self.returned, self.raised, self.stopped)
        wrong = self.escaped, self.changed, self.active, self.unbalanced, self.unsendable
        return counted == (self.predicted, self.failed, self.cancelled) and not any(wrong)


class Box:
    """
    What the next call is to give: a value, or an exception.
    """

    value: Any = None
    error: BaseException | None = None

    def open(self) -> Any:
        """
        Give it.
        """
        if self.error is not None:
            raise self.error
        return self.value


class Sink:
    """
    Providers that keep what they get until it is encoded.
    """

    def __init__(self) -> None:
        self.metrics = InMemoryMetricReader()
        self.spans = InMemorySpanExporter()
        self.events = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # as shipped
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self.events))
        meters = MeterProvider([self.metrics], shutdown_on_exit=False)
        settings = oc.Settings(event_sample_ratio=0.2)
        self.telemetry = oc.Telemetry(meters, tracers, loggers, settings)

    def export(self) -> None:
        """
        Encode all of it, as an exporter would.
        """
        encode_spans(self.spans.get_finished_spans()).SerializeToString()
        encode_logs(self.events.get_finished_logs()).SerializeToString()
        data = self.metrics.get_metrics_data()
        if data is not None:
            encode_metrics(data).SerializeToString()
        self.spans.clear()
        self.events.clear()

    def value(self, metric: c.Metric, **attributes: str) -> int:
        """
        A counter's total.
        """
        return int(self.telemetry.sums.value(metric, **attributes))

    def durations(self) -> int:
        """
        How many calls succeeded.
        """
        data = self.metrics.get_metrics_data()
        assert data is not None
        points: list[Any] = [
            point
            for scope in data.resource_metrics[0].scope_metrics
            for metric in scope.metrics
            if metric.name == c.PREDICTION_DURATION.name
            for point in metric.data.data_points
        ]
        return sum(p.count for p in points if c.ERROR_TYPE.name not in p.attributes)


def declarations(box: Box) -> list[dict[str, Any]]:
    """
    Every way to declare a confidence, some with labels, uncertainties and decisions.
    """
    confidences: list[Any] = [
        None, 0.7, ".", "confidence", "label.confidence", "proba.max", "proba.margin",
        "proba.entropy", "proba[1]", "logits", "token_logprobs.mean", "members", "votes",
        "interval", "[*].confidence", "[0]", lambda result: result["confidence"],
        lambda _: box.open(), extract.BinaryScore(), extract.BinaryScore(logits=True),
        extract.Probabilities(".", classes=["a", "b", "c"]), extract.Logits(".", temperature=2.0),
        extract.TokenLogprobs("", reduce="entropy"), extract.Ensemble(".", uncertainty="std"),
        extract.PredictionSet(".", alpha=0.1), extract.Interval("."), extract.Verbalized("."),
        extract.Judge(".", scale=(1, 5)), extract.AnomalyScore(".", reference=[0.1, 0.5, 2.0]),
        extract.Reported(".", scale="percent", out_of_range="clip"),
    ]  # fmt: skip
    labels: list[Any] = [None, "label", ".", "proba.argmax", lambda result: result.label]
    doubts: list[Any] = [None, extract.Measured("std", "std"), "proba.entropy"]
    deciding: list[dict[str, Any]] = [
        {}, {"threshold": 0.7}, {"thresholds": {"accept": 0.9, "escalate": 0.5}},
    ]  # fmt: skip
    return [
        {
            "confidence": confidence,
            "label": labels[n % len(labels)],
            "uncertainty": doubts[n % len(doubts)],
            **deciding[(n // 2) % len(deciding)],
        }
        for n, confidence in enumerate(confidences)
    ]


def kinds(box: Box) -> list[Callable[[], Any]]:
    """
    The kinds of functions there are, each giving what is in the box.
    """

    async def coroutine() -> Any:
        return box.open()

    def generator() -> Iterator[Any]:
        yield box.open()

    async def async_generator() -> AsyncIterator[Any]:
        yield box.open()

    class Called:
        def __call__(self) -> Any:
            return box.open()

        def method(self) -> Any:
            return box.open()

    def function() -> Any:
        return box.open()

    return [function, coroutine, generator, async_generator, Called(), Called().method]


def run(calls: int, seed: int, *, progress: Callable[[str], object] = len) -> Figures:
    """
    That many calls, and what became of them.
    """
    chance, box, sink, figures = random.Random(seed), Box(), Sink(), Figures()
    functions = _functions(box, sink.telemetry)
    with _complaints(figures):
        for number in range(1, calls + 1):
            _fill(box, chance)
            _call(chance.choice(functions), box, chance, figures)
            _tell_later(sink.telemetry, chance, figures)
            if number % EXPORT_EVERY == 0 or number == calls:
                _noticed(figures, "unsendable", sink.export)
            if number % (calls // 20 or 1) == 0:
                progress(f"{number:,} calls, {figures.escaped} escaped, {figures.changed} changed")
    return _counted(figures, sink)


def _functions(box: Box, telemetry: oc.Telemetry) -> list[Callable[[], Any]]:
    made = []
    for number, declared in enumerate(declarations(box)):
        for function in kinds(box):
            track = oc.track_confidence(model=f"m{number}", telemetry=telemetry, **declared)
            made.append(track(function))

    def block() -> Any:
        with oc.prediction(model="block", threshold=0.7, telemetry=telemetry) as p:
            p.set(
                confidence=box.value, label=box.value, uncertainty=box.value,
                method=random.choice(METHODS),  # type: ignore[arg-type]  # hostile too
            )  # fmt: skip
            return box.open()

    return [*made, *[block] * 12]


def _fill(box: Box, chance: random.Random) -> None:
    box.value = hostile_values.value(chance)
    box.error = hostile_values.error(chance) if chance.random() < 0.1 else None


def _call(function: Callable[[], Any], box: Box, chance: random.Random, figures: Figures) -> None:
    """
    Call it and take what comes, which must be what is in the box.
    """
    given = box.error
    figures.calls += 1
    if given is None:
        figures.returned += 1
    elif isinstance(given, StopIteration):
        # A coroutine or generator may not raise it: Python makes it a RuntimeError.
        figures.raised += 1
    else:
        figures.raised += isinstance(given, Exception)
        figures.stopped += not isinstance(given, Exception)
    try:
        result = _finished(function(), chance)
    except BaseException as error:  # noqa: BLE001  the exceptions are what is under test
        if error is not given and not _turned(error, given):
            _wrong(figures, "escaped" if given is None else "changed", error)
    else:
        if given is not None or result is not box.value or hostile_values.is_touched(result):
            _wrong(figures, "changed", result)


def _turned(error: BaseException, given: BaseException | None) -> bool:
    """
    Whether Python itself made this of what a coroutine or generator raised.
    """
    return isinstance(error, RuntimeError) and isinstance(given, StopIteration)


def _finished(result: Any, chance: random.Random) -> Any:
    """
    The result, awaited or taken from a stream that is read to its end or left.
    """
    kind = getattr(type(result), "__name__", "")
    if kind == "coroutine" and type(result).__module__ == "builtins":
        return _stepped(result)
    if kind == "async_generator":
        return _streamed(lambda: _stepped(result.__anext__()), result.aclose, chance)
    if kind == "generator" and result.__name__ == "generator":
        return _streamed(lambda: next(result), result.close, chance)
    return result


def _stepped(awaitable: Any) -> Any:
    try:
        awaitable.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for nothing")


def _streamed(step: Callable[[], Any], close: Callable[[], Any], chance: random.Random) -> Any:
    item = step()
    if chance.random() < 0.5:
        with contextlib.suppress(StopIteration, StopAsyncIteration):
            step()
    closing = close()
    if closing is not None:
        _stepped(closing)
    return item


def _tell_later(telemetry: oc.Telemetry, chance: random.Random, figures: Figures) -> None:
    """
    Now and then tell the truth about the last call, or feedback, in no sensible way.
    """
    if chance.random() > 0.1:
        return
    value = hostile_values.value(chance)
    receipt = chance.choice((oc.last_receipt(), value, "x" * 100))
    _noticed(figures, "escaped", lambda: [*oc.last_receipts()][:3])
    _noticed(
        figures, "escaped", lambda: oc.record_outcome(receipt, label=value, telemetry=telemetry)
    )
    _noticed(
        figures,
        "escaped",
        lambda: oc.record_feedback(receipt, score=value, comment=value, telemetry=telemetry),
    )


def _noticed(figures: Figures, flaw: str, action: Callable[[], object]) -> None:
    try:
        action()
    except BaseException as error:  # noqa: BLE001  the exceptions are what is under test
        _wrong(figures, flaw, error)


def _wrong(figures: Figures, flaw: str, what: object) -> None:
    setattr(figures, flaw, getattr(figures, flaw) + 1)
    if not figures.first:
        places = traceback.extract_tb(getattr(what, "__traceback__", None))
        path = " < ".join(f"{Path(p.filename).name}:{p.lineno}" for p in reversed(places))
        figures.first = f"{flaw}: {type.__getattribute__(type(what), '__name__')} at {path}"


@contextlib.contextmanager
def _complaints(figures: Figures) -> Iterator[None]:
    """
    Count what OpenTelemetry logs and Python warns of; what the library says stays unsaid.
    """

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            figures.complaints += 1
            figures.first = figures.first or f"complaint: {record.getMessage()[:200]}"

    ours, theirs, handler = (
        logging.getLogger("otel_confidence"), logging.getLogger("opentelemetry"), Counting(),
    )  # fmt: skip
    ours.disabled, before = True, theirs.propagate
    theirs.addHandler(handler)
    theirs.propagate = False
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("default")
            yield
            figures.complaints += len(said)
            if said:
                figures.first = figures.first or f"warning: {said[0].message!s:.200}"
    finally:
        ours.disabled, theirs.propagate = False, before
        theirs.removeHandler(handler)


def _counted(figures: Figures, sink: Sink) -> Figures:
    figures.predicted = sink.durations()
    figures.failed = sink.value(c.ERRORS)
    figures.cancelled = sink.value(c.DROPPED, otel_confidence_reason="cancelled")
    figures.active = sink.value(c.PREDICTIONS_ACTIVE)
    given = sink.value(c.RECORDS, otel_confidence_signal="prediction")
    figures.unbalanced = given - figures.cancelled - sink.value(c.PREDICTIONS)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run the campaign; status 1 unless it is flawless.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    asked = parser.parse_args(arguments)
    say = sys.stdout.write
    say(f"seed {asked.seed}\n")
    began = time.perf_counter()
    figures = run(asked.calls, asked.seed, progress=lambda text: sys.stderr.write(f"{text}\n"))
    for field in dataclasses.fields(figures):
        say(f"{field.name:<12} {getattr(figures, field.name)}\n")
    say(f"{'seconds':<12} {time.perf_counter() - began:.0f}\n")
    raise SystemExit(not figures.flawless)


if __name__ == "__main__":
    main()
