"""
This module checks that sampling is judged by what its policies mean, not by the words in them.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import GOOD, changed, faults, found

_BEGIN = GOOD.index("    policies:\n")
_END = GOOD.index("  delta_to_cumulative:\n")
ERRORS = "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}"
UNSURE = "{name: u, type: ottl_condition, ottl_condition: {span: ['%s']}}"
OURS = 'span.attributes["ml.prediction.confidence"]'
LOW = UNSURE % f"{OURS} < 0.6"
NAMED = UNSURE % 'span.name == "x"'
NO_ERRORS = "no policy keeps traces with errors"
NO_UNSURE = "no policy keeps traces of unsure predictions"


def together(*policies: str) -> str:
    """
    A policy that keeps what all of these keep.
    """
    return f"{{name: t, type: and, and: {{and_sub_policy: [{', '.join(policies)}]}}}}"


def tier(values: str) -> str:
    """
    A policy that goes by how high confidence was, in words.
    """
    wanted = f"{{key: ml.prediction.confidence.tier, values: {values}}}"
    return f"{{name: w, type: string_attribute, string_attribute: {wanted}}}"


def sampling(*policies: str) -> str:
    """
    The configuration without fault, with these policies instead.
    """
    lines = "".join(f"      - {each}\n" for each in policies)
    return f"{GOOD[:_BEGIN]}    policies:\n{lines}{GOOD[_END:]}"


def told(folder: Path, *policies: str) -> list[str]:
    """
    What is said of these policies.
    """
    return [each.message for each in found(folder, sampling(*policies))]


@pytest.mark.parametrize(
    "policy",
    [
        ERRORS,
        "{name: e, type: status_code, status_code: {status_codes: [UNSET, ERROR]}}",
        UNSURE % "span.status.code == STATUS_CODE_ERROR",
        UNSURE % "status.code == 2",
        UNSURE % 'span.name == "x" or span.status.code == STATUS_CODE_ERROR',
        "{name: e, type: always_sample}",
        "{name: e, type: probabilistic, probabilistic: {sampling_percentage: 100}}",
        together("{name: a, type: always_sample}", ERRORS),
    ],
)
def test_policies_that_keep_errors_are_enough(tmp_path: Path, policy: str) -> None:
    """
    Whatever keeps every trace with an error is as good as the policy that is usual.
    """
    assert [] == told(tmp_path, LOW, policy)


@pytest.mark.parametrize(
    "policy",
    [
        "{name: e, type: status_code, status_code: {status_codes: [OK]}}",
        "{name: e, type: status_code}",
        "{name: e, type: probabilistic, probabilistic: {sampling_percentage: 99}}",
        "{name: e, type: rate_limiting, rate_limiting: {spans_per_second: 9}}",
        UNSURE % 'span.status.code == STATUS_CODE_ERROR and span.name == "x"',
        UNSURE % "span.status.code == STATUS_CODE_OK",
        f"{{name: e, type: not, not: {{not_sub_policy: {ERRORS}}}}}",
        together(ERRORS, LOW),
        f"{{name: e, type: composite, composite: {{composite_sub_policy: [{ERRORS}]}}}}",
    ],
)
def test_policies_that_keep_some_errors_are_told(tmp_path: Path, policy: str) -> None:
    """
    A policy that speaks of errors and does not keep all of them is not taken for one that does.
    """
    assert [NO_ERRORS] == told(tmp_path, LOW, policy)


@pytest.mark.parametrize(
    "policy",
    [
        LOW,
        UNSURE % f"{OURS} <= 0.7",
        UNSURE % f"0.6 > {OURS}",
        UNSURE % 'attributes["ml.prediction.confidence"] < 0.60',
        UNSURE % f"{OURS} != nil",
        UNSURE % f"({OURS} != nil and {OURS} < 0.6) or span.kind == SPAN_KIND_SERVER",
        tier("[low, medium]"),
        "{name: u, type: always_sample}",
    ],
)
def test_policies_that_keep_unsure_predictions_are_enough(tmp_path: Path, policy: str) -> None:
    """
    Whatever keeps every unsure prediction is enough, however it is written.
    """
    assert [] == told(tmp_path, ERRORS, policy)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (UNSURE % f"{OURS} < 0.1", "unsure predictions are kept below 0.1 only, not below 0.6"),
        (UNSURE % f"{OURS} < 0.9 and {OURS} < 0.2", "unsure predictions are kept below 0.2 only"),
        (UNSURE % f"{OURS} > 0.6", NO_UNSURE),
        (UNSURE % f'{OURS} < 0.6 and span.name == "x"', NO_UNSURE),
        (UNSURE % f'{OURS} < span.attributes["ml.prediction.threshold"]', NO_UNSURE),
        (UNSURE % 'span.attributes["ml.prediction.confidence.min"] < 0.6', NO_UNSURE),
        (UNSURE % f"{OURS} < 0.0", NO_UNSURE),
        (tier("[high]"), NO_UNSURE),
        (tier("[low], invert_match: true"), NO_UNSURE),
        ("{name: u, type: latency, latency: {threshold_ms: 1}}", NO_UNSURE),
    ],
)  # fmt: skip
def test_policies_that_keep_some_unsure_predictions_are_told(
    tmp_path: Path, policy: str, message: str
) -> None:
    """
    A policy that speaks of confidence and does not keep all below 0.6 is told of.
    """
    (said,) = told(tmp_path, ERRORS, policy)

    assert said.startswith(message)


def test_confidence_is_no_whole_number(tmp_path: Path) -> None:
    """
    A policy of whole numbers takes a confidence for zero, whatever it is.
    """
    numeric = (
        "{name: u, type: numeric_attribute, numeric_attribute: "
        "{key: ml.prediction.confidence, min_value: 0, max_value: 1}}"
    )

    assert [
        NO_UNSURE,
        "it compares whole numbers, and takes any ml.prediction.confidence for 0",
    ] == told(tmp_path, ERRORS, numeric)


@pytest.mark.parametrize(
    ("subs", "dropped"),
    [
        (ERRORS, ["with errors"]),
        (LOW, ["of unsure predictions"]),
        ("{name: d, type: always_sample}", ["with errors", "of unsure predictions"]),
        (f"{ERRORS}, {NAMED}", []),
    ],
    ids=["errors", "unsure predictions", "everything", "a narrow one"],
)
def test_a_policy_that_drops_goes_before_those_that_keep(
    tmp_path: Path, subs: str, dropped: list[str]
) -> None:
    """
    What a policy drops is gone, whatever others keep.
    """
    drop = f"{{name: d, type: drop, drop: {{drop_sub_policy: [{subs}]}}}}"
    said = sorted(f"it drops traces {each}, whatever keeps them" for each in dropped)

    assert said == sorted(told(tmp_path, ERRORS, LOW, drop))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [("{sampling_percentage: 10}", 1), ("", 1), ("{sampling_percentage: 100}", 0)],
)
def test_sampling_by_chance_is_told(tmp_path: Path, settings: str, expected: int) -> None:
    """
    A sampler that looks at nothing leaves out errors and unsure predictions too.
    """
    text = changed("  delta_to", f"  probabilistic_sampler: {settings}\n  delta_to").replace(
        "[memory_limiter, transform, redaction]",
        "[memory_limiter, transform, redaction, probabilistic_sampler]",
    )

    told_of = faults(tmp_path, text, "logs are left out by chance")
    assert [("warning", "processors.probabilistic_sampler")] * expected == told_of
