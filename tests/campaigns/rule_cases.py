"""
This module carries every rule test of the repository out with the evaluator in process.

Run ``python -m tests.campaigns.rule_cases``. The suite does the same with the short ones; promtool
passes all of them.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.alerting.casing import Case, carried_out, cases
from tests.query.promql.series import labels_of

from otel_confidence.alerting.durations import milliseconds

ROOT = Path(__file__).parent.parent.parent


def differences(case: Case) -> Iterator[str]:
    """Where a case does not give what it should, each place in a sentence."""
    checked, engine = carried_out(case)
    for name, at, expected, got in checked:
        if expected != got:
            yield f"{case}: {name} at {at}: {got} instead of {expected}"
    for check in case.spec.get("promql_expr_test", []):
        answer = engine.query(check["expr"], at=milliseconds(str(check["eval_time"])) / 1000)
        wanted = {labels_of(e["labels"]): float(e["value"]) for e in check.get("exp_samples") or []}
        seen = {each.labels: float(each.values[0]) for each in answer.series}
        same = wanted.keys() == seen.keys() and all(
            math.isclose(wanted[key], seen[key], rel_tol=1e-12) for key in wanted
        )
        if not same:
            yield f"{case}: {check['expr']} at {check['eval_time']}: {seen} instead of {wanted}"


def main() -> int:
    """Carry all of them out, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10**9, help="evaluations of a case at most")
    most = parser.parse_args().most
    found = [case for path in sorted(ROOT.glob("prometheus/tests/*.yml")) for case in cases(path)]
    chosen = [case for case in found if case.evaluations <= most]
    wrong = checks = 0
    for case in chosen:
        checks += len(case.spec.get("alert_rule_test", []))
        for text in differences(case):
            wrong += 1
            sys.stdout.write(f"{text}\n")
    sys.stdout.write(
        f"{len(chosen)} of {len(found)} cases, {checks} checks of alerts, {wrong} differences\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
