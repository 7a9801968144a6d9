"""
This module carries the rule tests that promtool passes out with the evaluator in process.
"""

from pathlib import Path

import pytest
from tests.alerting.casing import Case, cases
from tests.campaigns.rule_cases import differences

ROOT = Path(__file__).parent.parent.parent
MOST_EVALUATIONS = 40
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
    assert [] == list(differences(case))
