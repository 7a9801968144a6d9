"""This module checks that every kind of callable stays what it was."""

import asyncio
import copy
import functools
import inspect
import pickle
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import get_current_span

import otel_confidence as oc
from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


@oc.track_confidence(model="m", version="1", confidence="confidence")
def at_module_level(x: int, *, y: int = 2) -> dict[str, Any]:
    """Predict."""
    return {"confidence": 0.9, "x": x, "y": y}


@oc.track_confidence(model="m", confidence=lambda result: result)
async def counted_at_module_level(x: float) -> float:
    """Predict."""
    return x


class Doubler:
    """Doubles."""

    def __call__(self, x: float) -> float:
        """Double."""
        return 2 * x


def _span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found


def _only(spans: list[ReadableSpan]) -> ReadableSpan:
    (span,) = spans
    return span


def test_signature_and_pickling_are_kept(telemetry: Capture) -> None:
    """
    A decorated function looks and pickles as before.
    """
    assert "(x: int, *, y: int = 2) -> dict[str, typing.Any]" == str(
        inspect.signature(at_module_level)
    )
    assert ("at_module_level", "Predict.") == (at_module_level.__name__, at_module_level.__doc__)
    assert at_module_level is pickle.loads(pickle.dumps(at_module_level))
    assert {"confidence": 0.9, "x": 1, "y": 3} == at_module_level(1, y=3)
    assert 1 == telemetry.value("ml.predictions")


def test_every_kind_of_method_is_tracked(telemetry: Capture) -> None:
    """
    Methods, class methods, static methods and properties bind as they did.
    """
    track = telemetry.track_confidence(model="m", confidence="confidence")

    class Model:
        @track
        def method(self, x: int) -> dict[str, Any]:
            return {"confidence": 0.5, "self": self, "x": x}

        @track
        @classmethod
        def by_class(cls) -> dict[str, Any]:
            return {"confidence": 0.5, "cls": cls}

        @track
        @staticmethod
        def static(x: int) -> dict[str, Any]:
            return {"confidence": 0.5, "x": x}

        def _latest(self) -> dict[str, Any]:
            return {"confidence": 0.5, "self": self}

        latest: Any = track(property(_latest))

    model = Model()

    assert {"confidence": 0.5, "self": model, "x": 1} == model.method(1)
    assert {"confidence": 0.5, "cls": Model} == Model.by_class()
    assert {"confidence": 0.5, "x": 1} == Model.static(1)
    assert {"confidence": 0.5, "self": model} == model.latest
    assert 4 == telemetry.value("ml.predictions")


@dataclass
class Scorer:
    """A callable object."""

    offset: float
    calls: int = 0

    def __call__(self, x: float) -> float:
        """Score."""
        self.calls += 1
        return x + self.offset

    def __len__(self) -> int:
        return 3


async def answered(x: float) -> float:
    """Answer."""
    return x


def streamed(x: float) -> Iterator[float]:
    """Stream."""
    yield x


async def streamed_later(x: float) -> AsyncIterator[float]:
    """Stream."""
    yield x


CALLABLES: dict[str, Callable[..., Any]] = {
    "function": at_module_level,
    "lambda": lambda x: x,
    "coroutine function": answered,
    "generator function": streamed,
    "async generator function": streamed_later,
    "builtin": abs,
    "bound method": Scorer(0.25).__call__,
    "method of a builtin": [0.5].index,
    "partial": functools.partial(max, 0.5),
    "partial coroutine function": functools.partial(answered, 0.5),
    "cached function": functools.lru_cache(lambda x: x),
    "callable object": Scorer(0.25),
}
INSPECTIONS = (
    inspect.isfunction, inspect.isbuiltin, inspect.ismethod, inspect.isroutine,
    inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction,
)  # fmt: skip


def _signature(function: Any) -> str:
    try:
        return str(inspect.signature(function))
    except ValueError:
        return "none"


@pytest.mark.parametrize("function", CALLABLES.values(), ids=CALLABLES)
def test_a_callable_stays_what_it_was(telemetry: Capture, function: Callable[..., Any]) -> None:
    """
    Signature, name, documentation, annotations, type and flags are those of the original.
    """
    tracked = telemetry.track_confidence(model="other", confidence=lambda _: 0.5)(function)

    assert function is not tracked
    assert _signature(function) == _signature(tracked)
    assert isinstance(tracked, type(function))
    assert [look(function) for look in INSPECTIONS] == [look(tracked) for look in INSPECTIONS]
    for name in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__"):
        assert getattr(function, name, None) == getattr(tracked, name, None)
    assert getattr(tracked, "__wrapped__", None) is function


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (abs, 0.25),
        (functools.partial(max, 0.5), 0.5),
        (functools.lru_cache(lambda x: x), 0.25),
        (Scorer(0.25), 0.5),
        (Scorer(0.25).__call__, 0.5),
    ],
)
def test_any_callable_is_tracked(
    telemetry: Capture, function: Callable[..., Any], expected: float
) -> None:
    """
    Builtins, partials, cached functions, objects and bound methods answer as before, recorded.
    """
    tracked = telemetry.track_confidence(model="m", confidence=lambda result: result)(function)

    assert expected == tracked(0.25)
    assert [expected] == [p.value for p in telemetry.points("ml.prediction.confidence")]


def test_a_callable_object_is_still_its_own(telemetry: Capture) -> None:
    """
    Attributes, special methods, equality and copies of a tracked object are those of the object.
    """
    scorer = Scorer(0.25)
    tracked = telemetry.track_confidence(model="m", confidence=lambda result: result)(scorer)

    tracked(0.25)
    tracked.offset = 0.5
    copied = copy.deepcopy(tracked)
    copied.offset = 0.75
    answers = [tracked(0.25), copied(0.25)]

    assert (2, 0.5, 3) == (scorer.calls, scorer.offset, len(tracked))
    assert scorer == tracked
    assert repr(scorer) == repr(tracked)
    assert "__otel_confidence__" not in vars(scorer)
    assert [0.75, 1.0] == answers
    assert 3 == telemetry.value("ml.predictions")


@pytest.mark.parametrize("function", [abs, functools.partial(max, 0.5), Scorer(0.25)])
def test_pickling_gives_the_original(telemetry: Capture, function: Callable[..., Any]) -> None:
    """
    What is declared belongs to the program: a pickled object comes back as it was without it.
    """
    tracked = telemetry.track_confidence(model="m", confidence=lambda result: result)(function)

    restored = pickle.loads(pickle.dumps(tracked))

    assert type(function) is type(restored)
    assert function(0.25) == restored(0.25)


def test_functions_pickle_by_name() -> None:
    """
    A decorated function of a module is found again under its name, as functions are.
    """
    stored = pickle.dumps(at_module_level), pickle.dumps(counted_at_module_level)

    assert [at_module_level, counted_at_module_level] == [pickle.loads(one) for one in stored]
    assert copy.copy(counted_at_module_level) is counted_at_module_level


def test_a_class_of_callables_tracks_its_instances(telemetry: Capture) -> None:
    """
    A decorated class is the same class; calls of its instances are recorded, pickling unchanged.
    """
    tracked = telemetry.track_confidence(model="m", confidence=lambda result: result)(Doubler)

    answer = pickle.loads(pickle.dumps(tracked()))(0.25)

    assert Doubler is tracked
    assert 0.5 == answer
    assert 1 == telemetry.value("ml.predictions")


def test_cached_properties_and_partial_methods_are_tracked(telemetry: Capture) -> None:
    """
    A cached property is predicted once; a partial method binds its arguments and its instance.
    """
    track = telemetry.track_confidence(model="m", confidence=lambda result: result[0])

    class Model:
        def _scaled(self, by: float, x: float) -> tuple[float, Any]:
            return by * x, self

        def _latest(self) -> tuple[float, Any]:
            return 0.5, self

        latest: Any = track(functools.cached_property(_latest))
        halved: Any = track(functools.partialmethod(_scaled, 0.5))

    model = Model()

    assert [(0.5, model)] * 2 == [model.latest, model.latest]
    assert (0.25, model) == model.halved(0.5)
    assert 2 == telemetry.value("ml.predictions")


async def test_asynchronous_and_streaming_methods_are_tracked(telemetry: Capture) -> None:
    """
    Coroutine and generator methods bind like plain ones, in any order with classmethod.
    """
    track = telemetry.track_confidence(model="m", confidence=lambda result: result[1])

    class Model:
        @track
        async def answer(self, x: float) -> tuple[Any, float]:
            return self, x

        @track
        def stream(self, x: float) -> Iterator[tuple[Any, float]]:
            yield self, x

        @track
        async def stream_later(self, x: float) -> AsyncIterator[tuple[Any, float]]:
            yield self, x

        @classmethod
        @track
        async def of_class(cls, x: float) -> tuple[Any, float]:
            return cls, x

        @track
        @classmethod
        async def of_class_too(cls, x: float) -> tuple[Any, float]:
            return cls, x

    model = Model()

    assert (model, 0.5) == await model.answer(0.5)
    assert [(model, 0.5)] == list(model.stream(0.5))
    assert [(model, 0.5)] == [item async for item in model.stream_later(0.5)]
    assert (Model, 0.5) == await Model.of_class(0.5)
    assert (Model, 0.5) == await Model.of_class_too(0.5)
    assert inspect.iscoroutinefunction(model.answer)
    assert inspect.ismethod(model.stream)
    assert 5 == telemetry.value("ml.predictions")


@pytest.mark.parametrize("function", [at_module_level, answered, streamed, streamed_later, abs])
def test_wrong_arguments_are_refused_at_the_call(
    telemetry: Capture, function: Callable[..., Any]
) -> None:
    """
    A call with arguments that don't fit raises TypeError right there, as without tracking.
    """
    tracked = telemetry.track_confidence(model="other", confidence=lambda _: 0.5)(function)
    with pytest.raises(TypeError) as expected:
        function(1, 2, 3, nonsense=True)

    with pytest.raises(TypeError) as raised:
        tracked(1, 2, 3, nonsense=True)

    assert str(expected.value) == str(raised.value)


def _drop(_: object) -> None:
    """
    Let go of something.
    """


async def test_a_coroutine_never_awaited_says_so_once(telemetry: Capture) -> None:
    """
    Dropping or cancelling what never ran warns as it would without tracking, and records nothing.
    """
    tracked = telemetry.track_confidence(model="m", confidence=lambda result: result)(answered)

    with pytest.warns(RuntimeWarning, match="coroutine 'answered' was never awaited") as said:
        _drop(tracked(0.5))
    tracked(0.5).close()
    task = asyncio.ensure_future(tracked(0.5))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 1 == len(said)
    assert 0 == telemetry.value("otel_confidence.records")


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        (4, "only something callable can be tracked, got 4"),
        (dict, "dict is a class whose instances can't be called"),
        (property(), "can't be read"),
    ],
)
def test_what_predicts_nothing_is_refused(telemetry: Capture, thing: Any, reason: str) -> None:
    """
    Decorating what can't be called is refused with what is wrong.
    """
    with pytest.raises(oc.ConfigurationError, match=reason):
        telemetry.track_confidence(model="m")(thing)


def test_stacked_models_record_each(telemetry: Capture) -> None:
    """
    A function tracked for two models records for both, the inner one as a child.
    """
    inner = telemetry.track_confidence(model="inner", confidence="confidence")
    outer = telemetry.track_confidence(model="outer", confidence="confidence")

    @outer
    @inner
    def classify() -> dict[str, Any]:
        return SURE

    classify()

    assert {"inner": 1, "outer": 1} == telemetry.by("ml.predictions", "ml.model.name")


def test_tracking_twice_records_once(telemetry: Capture) -> None:
    """
    A function tracked again for the same model is left as it is.
    """
    track = telemetry.track_confidence(model="m", confidence="confidence")

    def classify() -> dict[str, Any]:
        return SURE

    twice = track(track(classify))

    twice()

    assert 1 == telemetry.value("ml.predictions")


@pytest.mark.parametrize(
    ("declaration", "reason"),
    [
        ({"model": ""}, "model must be"),
        ({"model": 4}, "model must be"),
        ({"model": "m", "version": "a\n"}, "version must be printable"),
        ({"model": "a\u200db"}, r"take U\+200D out"),
        ({"model": "m" * 80}, "bytes together"),
        ({"model": "m", "threshold": 70}, "threshold must be within"),
        ({"model": "m", "threshold": "0.7"}, "threshold must be within"),
        ({"model": "m", "confidence": object()}, "a declaration must be"),
    ],
)
def test_wrong_declarations_fail_when_decorating(
    telemetry: Capture, declaration: dict[str, Any], reason: str
) -> None:
    """
    What can't work is refused with a sentence before anything runs.
    """
    with pytest.raises(oc.ConfigurationError, match=reason):
        telemetry.track_confidence(**declaration)


async def test_coroutines_are_tracked(telemetry: Capture) -> None:
    """
    A coroutine function stays one, its span is current inside, its receipt known after.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def classify() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"confidence": 0.5, "span": get_current_span().get_span_context().span_id}

    result = await classify()

    assert inspect.iscoroutinefunction(classify)
    assert _span_id(_only(telemetry.spans())) == result["span"]
    assert oc.last_receipt()


def test_recursion_costs_few_frames(telemetry: Capture) -> None:
    """
    A tracked function takes at most three frames a call, so it recurses 900 deep in 3,000 frames.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def countdown(n: int) -> dict[str, Any]:
        return countdown(n - 1) if n else SURE

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 900 * 3 + 60)
    try:
        countdown(900)
    finally:
        sys.setrecursionlimit(limit)

    assert 901 == telemetry.value("ml.predictions")


def test_recursion_too_deep_stays_the_programs_error(telemetry: Capture) -> None:
    """
    Endless recursion of a tracked function ends in the error it always ended in.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def endless() -> dict[str, Any]:
        return endless()

    telemetry.telemetry.guard.strict = False
    with pytest.raises(RecursionError):
        endless()

    assert {} == telemetry.by("ml.predictions", "ml.prediction.decision")
