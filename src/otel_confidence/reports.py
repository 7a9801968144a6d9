"""
This module holds what a program reports besides predictions: frozen records that check themselves.

Numbers of any library are taken and kept as Python's own; a value out of its range is refused with
a sentence saying what would be right. ``attributes`` may stand on metrics, those of them that
``configure(metric_attributes=...)`` names; ``metadata`` stands on events only, where ``capture``
lets it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from otel_confidence import checks
from otel_confidence import conventions as c
from otel_confidence.checks import LARGEST
from otel_confidence.errors import InvalidRecord

RATIOS: Final = frozenset((
    "accuracy", "average_precision", "balanced_accuracy", "brier", "f1", "jaccard", "precision",
    "recall", "roc_auc", "sensitivity", "specificity", "top_k_accuracy",
))  # fmt: skip
"""Performance metrics that lie within 0..1."""
LOSSES: Final = frozenset((
    "crps", "hinge_loss", "log_loss", "mae", "mape", "mean_absolute_error", "mean_squared_error",
    "medae", "mse", "msle", "perplexity", "rmse", "rmsle", "smape",
))  # fmt: skip
"""Performance metrics that are never negative."""
BYTES: Final[Mapping[str, int]] = {
    "By": 1, "kBy": 10**3, "KBy": 10**3, "MBy": 10**6, "GBy": 10**9, "TBy": 10**12,
    "KiBy": 2**10, "MiBy": 2**20, "GiBy": 2**30, "TiBy": 2**40,
}  # fmt: skip
"""Units an amount of a resource can be given in, UCUM codes, and the bytes of each."""
MAX_CHECKS: Final = 1000
"""Checks that one ``DataQuality`` can hold."""
_PERCENT: Final = "percent? divide by 100"


@dataclass(frozen=True, slots=True)
class Performance:
    """
    How well a model does, as one number: measured against the truth, or estimated without it.
    """

    model: str
    version: str = ""
    metric: str = ""
    """Such as accuracy, f1, mae or rmse; those of ``RATIOS`` and ``LOSSES`` have their range."""
    value: float = 0.0
    estimated: bool = False
    """Whether the truth was not known."""
    lower: float | None = None
    """The lower bound of an estimate."""
    upper: float | None = None
    """The upper bound of an estimate."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        metric = checks.text("metric", self.metric)
        low, high = _range_of(metric)
        hint = _PERCENT if metric in RATIOS else ""
        _settle(
            self,
            model=checks.text("model", self.model),
            version=checks.text("version", self.version, empty=True),
            metric=metric,
            value=checks.number(metric[:60], self.value, low, high, hint=hint),
            lower=checks.optional("lower", self.lower, low, high),
            upper=checks.optional("upper", self.upper, low, high),
            attributes=checks.mapping("attributes", self.attributes),
        )
        bounded = self.lower is not None or self.upper is not None
        if bounded and not self.estimated:
            raise InvalidRecord("lower and upper bound an estimate: say estimated=True")
        least, most = _or(self.lower, self.value), _or(self.upper, self.value)
        if not least <= self.value <= most:
            raise InvalidRecord(
                f"value must lie within lower..upper, got {self.value!r} and {least!r}..{most!r}",
                reason="out_of_range",
            )


@dataclass(frozen=True, slots=True)
class Usage:
    """
    One action of a part of the program: something was used.
    """

    component: str
    action: str = ""
    result: str = "success"
    """How it ended, a value of ``conventions.ACTION_RESULT``."""
    duration_s: float | None = None
    """None where it was not timed."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _settle(
            self,
            component=checks.text("component", self.component),
            action=checks.text("action", self.action),
            result=checks.one_of("result", self.result, c.ACTION_RESULT),
            duration_s=checks.optional("duration_s", self.duration_s, 0),
            attributes=checks.mapping("attributes", self.attributes),
        )


@dataclass(frozen=True, slots=True)
class Learning:
    """
    What a component that learns has reached.
    """

    component: str
    type: str = ""
    """How it learns, such as online, batch, reinforcement or fine_tuning."""
    accuracy: float | None = None
    """Accuracy reached, 0 to 1."""
    confidence: float | None = None
    """Mean confidence, 0 to 1."""
    improvement: float | None = None
    """Accuracy gained since before, -1 to 1."""
    samples: int = 0
    """Samples learnt from since the last report."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _settle(
            self,
            component=checks.text("component", self.component),
            type=checks.text("type", self.type, empty=True),
            accuracy=checks.optional("accuracy", self.accuracy, 0, 1, hint=_PERCENT),
            confidence=checks.optional("confidence", self.confidence, 0, 1, hint=_PERCENT),
            improvement=checks.optional("improvement", self.improvement, -1, 1, hint=_PERCENT),
            samples=checks.count("samples", self.samples),
            attributes=checks.mapping("attributes", self.attributes),
        )
        said = (self.accuracy, self.confidence, self.improvement, self.samples or None)
        if said == (None,) * 4:
            raise _unsaid("accuracy, confidence, improvement or samples")


@dataclass(frozen=True, slots=True)
class Optimization:
    """
    What an optimization brought: one measure before and after it.
    """

    component: str
    category: str = ""
    """What was optimized, such as latency, accuracy or cost."""
    before: float = 0.0
    after: float = 0.0
    user_impact: float | None = None
    """What users noticed, -1 (worse) to 1 (better)."""
    id: str = ""
    """Which optimization it was; stands on the event only."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _settle(
            self,
            component=checks.text("component", self.component),
            category=checks.text("category", self.category),
            before=checks.number("before", self.before),
            after=checks.number("after", self.after),
            user_impact=checks.optional("user_impact", self.user_impact, -1, 1),
            id=checks.text("id", self.id, empty=True),
            attributes=checks.mapping("attributes", self.attributes),
            metadata=checks.mapping("metadata", self.metadata),
        )

    @property
    def change(self) -> float | None:
        """
        What was gained for each unit there was, (after - before) over the size of before.

        None where it was 0 before, or so near that the change is no measure.
        """
        if not self.before:
            return None
        change = self.after / abs(self.before) - self.before / abs(self.before)
        return change if abs(change) <= LARGEST else None


@dataclass(frozen=True, slots=True)
class Resource:
    """
    How much of a resource is in use.
    """

    type: str
    """Such as gpu, memory, disk or queue."""
    name: str = ""
    """Which one."""
    utilization: float | None = None
    """Share in use, 0 to 1."""
    used: float | None = None
    """In use, in ``unit``."""
    allocated: float | None = None
    """Set aside, in ``unit``."""
    unit: str = "By"
    """One of ``BYTES``. What is counted otherwise is reported as a share: ``utilization``."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unit = checks.text("unit", self.unit)
        if unit not in BYTES:
            raise InvalidRecord(
                f"unit must be one of {', '.join(BYTES)}, got {checks.shown(unit)}; report the "
                f"share in use as utilization where bytes are not the measure"
            )
        _settle(
            self,
            type=checks.text("type", self.type),
            name=checks.text("name", self.name, empty=True),
            utilization=checks.optional("utilization", self.utilization, 0, 1, hint=_PERCENT),
            used=checks.optional("used", self.used, 0),
            allocated=checks.optional("allocated", self.allocated, 0),
            attributes=checks.mapping("attributes", self.attributes),
        )
        if (self.utilization, self.used, self.allocated) == (None,) * 3:
            raise _unsaid("utilization, used or allocated")


@dataclass(frozen=True, slots=True)
class DataQuality:
    """
    How the checks of a model's data ended.
    """

    model: str
    version: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """Each check's result by its name: True or "pass", False or "fail", "error"; kept as a word."""
    score: float | None = None
    """Share of the checks that passed, 0 to 1; by default that of these checks."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        results = checks.mapping("checks", self.checks)
        if len(results) > MAX_CHECKS:
            raise InvalidRecord(f"a record takes {MAX_CHECKS} checks, got {len(results)}: use more")
        score = checks.optional("score", self.score, 0, 1, hint=_PERCENT)
        if score is None and not results:
            raise _unsaid("checks or score")
        found = {checks.text("check", name): _result(r) for name, r in results.items()}
        passed = sum(result == "pass" for result in found.values())
        _settle(
            self,
            model=checks.text("model", self.model),
            version=checks.text("version", self.version, empty=True),
            checks=checks.mapping("checks", found),
            score=passed / len(found) if score is None else score,
            attributes=checks.mapping("attributes", self.attributes),
            metadata=checks.mapping("metadata", self.metadata),
        )


def _settle(record: object, **values: object) -> None:
    """
    Put checked values in the place of those that were given.
    """
    for name, value in values.items():
        object.__setattr__(record, name, value)


def _range_of(metric: str) -> tuple[float, float]:
    if metric in RATIOS:
        return 0.0, 1.0
    return (0.0 if metric in LOSSES else float("-inf")), float("inf")


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _result(value: Any) -> str:
    if isinstance(value, str):
        return checks.one_of("a check's result", value, c.QUALITY_RESULT)
    if isinstance(value, bool) or type(value).__module__ == "numpy":
        return "pass" if value else "fail"
    raise InvalidRecord(
        f"a check's result must be True, False, pass, fail or error, got {checks.shown(value)}",
        reason="wrong_type",
    )


def _unsaid(what: str) -> InvalidRecord:
    return InvalidRecord(f"there is nothing to record: say {what}", reason="missing")
