"""
This module judges what sampling leaves, by what its policies mean.

A condition in OTTL is understood where it compares ml.prediction.confidence or a span's status with
a constant, alone or beside a test that the attribute is there; any other counts for nothing.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import at, items, text
from otel_confidence.collector.pipelines import Configuration
from otel_confidence.conventions import CONFIDENCE, LOW_CONFIDENCE, TIER
from otel_confidence.located import Located

Judge = Callable[[Located], float]
"""Up to which confidence a policy keeps traces; of errors, anything above zero for all of them."""

_ALL: Final = 1.0
_NONE: Final = 0.0
_EVERY_PERCENT: Final = 100
_OF_SPANS: Final = r"(?:span\.)?"
_OURS: Final = _OF_SPANS + re.escape(f'attributes["{CONFIDENCE.name}"]')
_BELOW: Final = re.compile(rf"{_OURS} *<=? *([0-9.]+)")
_ABOVE: Final = re.compile(rf"([0-9.]+) *>=? *{_OURS}")
_THERE: Final = re.compile(rf"{_OURS} *!= *nil")
_FAILED: Final = re.compile(rf"{_OF_SPANS}status\.code *== *(?:STATUS_CODE_ERROR|2)")
_UNSURE: Final = (
    f'add an ottl_condition: span.attributes["{CONFIDENCE.name}"] < {LOW_CONFIDENCE}, '
    "with nothing else to hold"
)


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Traces with errors and of unsure predictions that sampling leaves out.
    """
    for sampler in whole.used("processors"):
        if sampler.type == "tail_sampling":
            where = at(sampler.place, "policies") or sampler.place
            policies = items(at(sampler.place, "policies"))
            yield from _unsure(where, policies)
            yield from _errors(where, policies)
            yield from _whole_numbers(policies)
            yield from _dropped(policies)
    yield from _by_chance(whole)


def _unsure(where: Located, policies: list[Located]) -> Iterator[Finding]:
    below = max((_kept(each, _confidence) for each in policies), default=_NONE)
    if below == _NONE:
        yield warning(where, "no policy keeps traces of unsure predictions", _UNSURE)
    elif below < LOW_CONFIDENCE:
        said = f"unsure predictions are kept below {below:g} only, not below {LOW_CONFIDENCE:g}"
        yield warning(where, said, _UNSURE)


def _errors(where: Located, policies: list[Located]) -> Iterator[Finding]:
    if not any(_kept(each, _failures) for each in policies):
        yield warning(
            where, "no policy keeps traces with errors",
            "add one of type status_code with status_codes: [ERROR]",
        )  # fmt: skip


def _whole_numbers(policies: list[Located]) -> Iterator[Finding]:
    for each in policies:
        if text(each, "numeric_attribute", "key") == CONFIDENCE.name:
            yield warning(
                each, f"it compares whole numbers, and takes any {CONFIDENCE.name} for 0", _UNSURE
            )


def _dropped(policies: list[Located]) -> Iterator[Finding]:
    """
    A policy that drops goes before all that keep.
    """
    for each in policies:
        subs = items(at(each, "drop", "drop_sub_policy"))
        for judge, what in ((_failures, "with errors"), (_confidence, "of unsure predictions")):
            if text(each, "type") == "drop" and subs and all(_kept(sub, judge) for sub in subs):
                yield error(
                    each, f"it drops traces {what}, whatever keeps them",
                    "narrow it by a second sub-policy",
                )  # fmt: skip


def _by_chance(whole: Configuration) -> Iterator[Finding]:
    for route in whole.routes():
        for step in route.steps:
            percent = _number(whole.expand(step.text("sampling_percentage")) or "0")
            if step.type == "probabilistic_sampler" and percent < _EVERY_PERCENT:
                yield warning(
                    step.place, f"{route.signal} are left out by chance, with errors and unsure "
                    "predictions among them", "sample traces by policies of tail_sampling",
                )  # fmt: skip


def _kept(policy: Located, judge: Judge) -> float:
    """
    What a policy keeps for certain: of several that all have to hold, what each of them keeps.
    """
    kind = text(policy, "type")
    if kind == "always_sample":
        return _ALL
    if kind == "probabilistic":
        percent = _number(text(policy, "probabilistic", "sampling_percentage"))
        return _ALL if percent >= _EVERY_PERCENT else _NONE
    if kind == "and":
        subs = items(at(policy, "and", "and_sub_policy"))
        return min((_kept(sub, judge) for sub in subs), default=_NONE)
    return judge(policy)


def _failures(policy: Located) -> float:
    kind = text(policy, "type")
    if kind == "status_code":
        codes = items(at(policy, "status_code", "status_codes"))
        return _ALL if "ERROR" in [each.text for each in codes] else _NONE
    found = kind == "ottl_condition" and any(
        all(_FAILED.fullmatch(clause) for clause in clauses) for clauses in _conditions(policy)
    )
    return _ALL if found else _NONE


def _confidence(policy: Located) -> float:
    kind = text(policy, "type")
    if kind == "string_attribute":
        given = at(policy, "string_attribute")
        values = [each.text for each in items(at(policy, "string_attribute", "values"))]
        if (
            given is None
            or text(given, "key") != TIER.name
            or text(given, "invert_match") == "true"
        ):
            return _NONE
        return LOW_CONFIDENCE if "low" in values else _NONE
    if kind != "ottl_condition":
        return _NONE
    return max((_bound(clauses) for clauses in _conditions(policy)), default=_NONE)


def _tier(wanted: Located) -> float:
    kept = text(wanted, "key") == TIER.name and text(wanted, "invert_match") != "true"
    low = "low" in [each.text for each in items(at(wanted, "values"))]
    return LOW_CONFIDENCE if kept and low else _NONE


def _bound(clauses: list[str]) -> float:
    """
    Up to which confidence clauses hold, all of them.
    """
    bounds = []
    for clause in clauses:
        found = _BELOW.fullmatch(clause) or _ABOVE.fullmatch(clause)
        if found is not None:
            bounds.append(_number(found[1]))
        elif not _THERE.fullmatch(clause):
            return _NONE
    return min(bounds, default=_ALL)  # a test that it is there keeps every prediction


def _conditions(policy: Located) -> Iterator[list[str]]:
    """
    The clauses of each alternative, of which all have to hold.
    """
    for each in items(at(policy, "ottl_condition", "span")):
        for alternative in re.split(r"\bor\b", each.text):
            yield [clause.strip(" ()") for clause in re.split(r"\band\b", alternative)]


def _number(given: str) -> float:
    try:
        return float(given)
    except ValueError:
        return _NONE
