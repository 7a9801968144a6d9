"""
This module carries the rule tests that promtool passes out with the evaluator in process.
"""

import math
from pathlib import Path

import pytest
from tests.alerting.casing import Case, carried_out, cases
from tests.query.promql.series import labels_of

from otel_confidence.alerting.durations import milliseconds

ROOT = Path(__file__).parent.parent.parent
MOST_EVALUATIONS = 130
CASES = [
    case
    for path in sorted(ROOT.glob("prometheus/tests/*.yml"))
    for case in cases(path)
    if case.evaluations <= MOST_EVALUATIONS
]
"""Those that take a moment; ``python -m tests.campaigns.rule_cases`` carries all of them out."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case_gives_the_alerts_that_promtool_expects(case: Case) -> None:
    """
    Every case of the rule tests gives the alerts and the series that promtool sees there.
    """
    checked, engine = carried_out(case)

    for name, at, expected, got in checked:
        assert (name, at, expected) == (name, at, got)
    for check in case.spec.get("promql_expr_test", []):
        answer = engine.query(check["expr"], at=milliseconds(str(check["eval_time"])) / 1000)
        wanted = {labels_of(e["labels"]): float(e["value"]) for e in check.get("exp_samples") or []}
        seen = {each.labels: float(each.values[0]) for each in answer.series}
        assert wanted.keys() == seen.keys()
        assert all(math.isclose(wanted[key], seen[key], rel_tol=1e-12) for key in wanted)
