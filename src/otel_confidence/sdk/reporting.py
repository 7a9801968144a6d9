"""
This module holds the verbs for what is reported without a receipt: usage, performance and so on.

Nothing here raises: a value of the wrong type or out of its range is dropped, counted by reason in
``otel_confidence.dropped``, and said once with what would be right.
"""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, final

from otel_confidence.errors import InvalidRecord
from otel_confidence.records import Failure, Record
from otel_confidence.reports import (
    DataQuality,
    Learning,
    Optimization,
    Performance,
    Resource,
    Usage,
)
from otel_confidence.sdk import accounting
from otel_confidence.sdk.current import current
from otel_confidence.sdk.emitters.dispatch import emitter_of
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.text import type_name

Attributes = Mapping[str, Any] | None
SUCCESS: Final = "success"
FAILURE: Final = "failure"


def record(*records: Record, telemetry: Telemetry | None = None) -> None:
    """
    Record any records: each by itself, so that one that can't be recorded costs no other.

    Args:
        records: what happened, such as ``Usage("search", "open")``.
        telemetry: where to record; the configured one by default.
    """
    telemetry = telemetry or current()
    if not telemetry.enabled:
        return
    for one in records:
        with telemetry.guard("reporting.record"):
            try:
                emitter_of(one)
            except InvalidRecord as error:
                accounting.refuse(telemetry, "unknown", error)
            else:
                telemetry.emit(one)


def record_performance(
    *,
    model: str,
    metric: str,
    value: float,
    version: str = "",
    estimated: bool = False,
    lower: float | None = None,
    upper: float | None = None,
    attributes: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report how well a model does, as one number that holds until the next.

    Args:
        model: the model's name.
        metric: such as accuracy, f1, mae or rmse; ratios lie within 0..1, losses are not negative.
        value: the number.
        version: the model's version.
        estimated: whether it was estimated without the truth.
        lower: the lower bound of an estimate; it holds until the next one too.
        upper: the upper bound of an estimate.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        telemetry: where to record; the configured one by default.
    """
    _report("performance", telemetry, lambda: Performance(
        model, version, metric, value, estimated, lower, upper, _given(attributes)
    ))  # fmt: skip


def record_usage(
    *,
    component: str,
    action: str,
    result: str = SUCCESS,
    duration_s: float | None = None,
    attributes: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report that a part of the program was used; ``usage()`` also takes the time.

    Args:
        component: the part of the program.
        action: what was done with it.
        result: how it ended: success or failure.
        duration_s: how long it took, seconds.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        telemetry: where to record; the configured one by default.
    """
    _report("usage", telemetry, lambda: Usage(
        component, action, result, duration_s, _given(attributes)
    ))  # fmt: skip


def record_learning(
    *,
    component: str,
    type: str = "",  # noqa: A002  the attribute's own word
    accuracy: float | None = None,
    confidence: float | None = None,
    improvement: float | None = None,
    samples: int = 0,
    attributes: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report what a component that learns has reached.

    Args:
        component: the part of the program that learns.
        type: how it learns, such as online, batch, reinforcement or fine_tuning.
        accuracy: accuracy reached, 0 to 1.
        confidence: mean confidence, 0 to 1.
        improvement: accuracy gained since before, -1 to 1.
        samples: samples learnt from since the last report; they add up.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        telemetry: where to record; the configured one by default.
    """
    _report("learning", telemetry, lambda: Learning(
        component, type, accuracy, confidence, improvement, samples, _given(attributes)
    ))  # fmt: skip


def record_optimization(
    *,
    component: str,
    category: str,
    before: float,
    after: float,
    user_impact: float | None = None,
    id: str = "",  # noqa: A002  the attribute's own word
    attributes: Attributes = None,
    metadata: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report what an optimization brought; it leaves an ``ml.optimization.result`` event.

    Args:
        component: the part of the program that was optimized.
        category: what was optimized, such as latency, accuracy or cost.
        before: the measure before.
        after: the measure after, in the same unit.
        user_impact: what users noticed, -1 (worse) to 1 (better).
        id: which optimization it was; stands on the event only.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        metadata: stands on the event, what of it ``configure(capture=...)`` lets out.
        telemetry: where to record; the configured one by default.
    """
    _report("optimization", telemetry, lambda: Optimization(
        component, category, before, after, user_impact, id, _given(attributes), _given(metadata)
    ))  # fmt: skip


def record_error(
    error: BaseException | type[BaseException] | str,
    *,
    model: str = "",
    version: str = "",
    component: str = "",
    severity: str = "",
    impact: str = "",
    recovered: bool | None = None,
    attributes: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report an error that no tracked call raised, by its type alone, never its text.

    Args:
        error: the exception, its type, or the type's name.
        model: the model it happened in; a model or a component must be named.
        version: the model's version.
        component: the part of the program it happened in.
        severity: how grave it was: low, medium, high or critical.
        impact: who noticed: none, degraded or failed.
        recovered: whether the program recovered; None where it did not try.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        telemetry: where to record; the configured one by default.
    """
    _report("error", telemetry, lambda: Failure(
        model, version, _error_type(error), component=component, severity=severity, impact=impact,
        recovered=recovered, attributes=_given(attributes),
    ))  # fmt: skip


def record_resource(
    *,
    type: str,  # noqa: A002  the attribute's own word
    name: str = "",
    utilization: float | None = None,
    used: float | None = None,
    allocated: float | None = None,
    unit: str = "By",
    attributes: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report how much of a resource is in use; each number holds until the next.

    Args:
        type: such as gpu, memory, disk or queue.
        name: which one.
        utilization: share in use, 0 to 1.
        used: amount in use, in ``unit``.
        allocated: amount set aside, in ``unit``.
        unit: of the amounts: By, kBy, MBy, GBy, TBy, KiBy, MiBy, GiBy or TiBy; they are recorded in
            bytes. What is counted otherwise, such as workers, is reported as utilization.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        telemetry: where to record; the configured one by default.
    """
    _report("resource", telemetry, lambda: Resource(
        type, name, utilization, used, allocated, unit, _given(attributes)
    ))  # fmt: skip


def record_data_quality(
    *,
    model: str,
    version: str = "",
    checks: Mapping[str, bool | str] | None = None,
    score: float | None = None,
    attributes: Attributes = None,
    metadata: Attributes = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Report how checks of a model's data ended; each that failed leaves a violation event.

    Args:
        model: the model's name.
        version: its version.
        checks: each check's result by its name: True or "pass", False or "fail", "error" where it
            could not be run.
        score: share of the checks that passed, 0 to 1; by default that of these checks.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        metadata: stands on the events, what of it ``configure(capture=...)`` lets out.
        telemetry: where to record; the configured one by default.
    """
    _report("data_quality", telemetry, lambda: DataQuality(
        model, version, checks or {}, score, _given(attributes), _given(metadata)
    ))  # fmt: skip


def usage(
    *,
    component: str,
    action: str,
    attributes: Attributes = None,
    telemetry: Telemetry | None = None,
) -> "Action":
    """
    An action of a component, timed by a ``with`` block; an exception makes it a failure.

    Args:
        component: the part of the program.
        action: what is done with it.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        telemetry: where to record; the configured one by default.
    """
    return Action(component, action, attributes, telemetry)


@final
class Action:
    """
    One action under way: what ``with usage(...) as u`` gives.
    """

    __slots__ = ("_action", "_attributes", "_component", "_result", "_started", "_telemetry")

    def __init__(
        self, component: str, action: str, attributes: Attributes, telemetry: Telemetry | None
    ) -> None:
        self._component = component
        self._action = action
        self._attributes = attributes
        self._telemetry = telemetry
        self._result = SUCCESS
        self._started = 0.0

    def fail(self) -> None:
        """
        Say that it failed although nothing was raised.
        """
        self._result = FAILURE

    def __enter__(self) -> "Action":
        telemetry = self._telemetry = self._telemetry or current()
        self._started = telemetry.timer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        telemetry = self._telemetry or current()
        duration_s = max(telemetry.timer() - self._started, 0.0)
        if error is not None and not isinstance(error, Exception):
            accounting.lose(telemetry, "usage", "cancelled")
            return
        _report("usage", telemetry, lambda: Usage(
            self._component, self._action, self._result if error is None else FAILURE, duration_s,
            _given(self._attributes),
        ))  # fmt: skip


def _report(signal: str, telemetry: Telemetry | None, make: Callable[[], Record]) -> None:
    accounting.report(telemetry or current(), signal, "reporting", make)


def _given(values: Attributes) -> Mapping[str, Any]:
    return {} if values is None else values


def _error_type(error: object) -> Any:
    """
    The name of an exception's type; anything else for the record to judge.
    """
    if isinstance(error, BaseException):
        return type_name(error)
    if isinstance(error, type) and issubclass(error, BaseException):
        return type.__getattribute__(error, "__name__")
    return error
