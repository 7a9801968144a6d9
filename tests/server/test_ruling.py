"""
This module checks which rules a server evaluates.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_confidence.cli.commands import cli
from otel_confidence.errors import ConfigurationError
from otel_confidence.objectives import BURN_RATES
from otel_confidence.objectives.recorded import BUDGET_REMAINING
from otel_confidence.objectives.windows import MARGIN_DAYS
from otel_confidence.server.app import Options
from otel_confidence.server.ruling import BUILT_IN, specs

OBJECTIVES = """
objectives:
  - {name: accuracy, kind: accuracy, model: digits, target: 90%}
"""
WRONG = """
objectives:
  - {name: accuracy, kind: acuracy, model: digits, target: 90%}
"""


def test_objectives_bring_their_rules_beside_the_others(tmp_path: Path) -> None:
    """
    The budgets of a file of objectives are recorded and watched beside the built-in rules.
    """
    path = tmp_path / "otel-confidence.yaml"
    path.write_text(OBJECTIVES)

    found = specs([BUILT_IN], [path])

    added = [group for group in found if group.file == str(path)]
    assert ["otel-confidence-slo-digits-accuracy", "otel-confidence-slo-digits-accuracy-long"] == [
        group.name for group in added
    ]
    assert BUDGET_REMAINING in {rule.name for group in added for rule in group.rules}
    assert specs([BUILT_IN]) == [group for group in found if group not in added]


def test_alerts_of_objectives_lead_to_the_page_of_the_server(tmp_path: Path) -> None:
    """
    An alert on a budget links to the server's own page with its objective chosen, and a runbook.
    """
    path = tmp_path / "otel-confidence.yaml"
    path.write_text(OBJECTIVES)

    alerts = [
        rule
        for group in specs([], [path], runbooks="https://wiki.example/runbooks")
        for rule in group.rules
        if rule.alerting
    ]

    page = "{{ externalURL }}/slos?slo={{ $labels.sloth_id | urlquery }}"
    assert {page} == {rule.annotations["dashboard_url"] for rule in alerts}
    assert {f"https://wiki.example/runbooks#{rule.name.lower()}" for rule in alerts} == {
        rule.annotations["runbook_url"] for rule in alerts
    }


def test_the_same_objective_in_two_files_is_refused(tmp_path: Path) -> None:
    """
    Objectives of several files may not have one name: their budgets would be mixed.
    """
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text(OBJECTIVES)

    with pytest.raises(ConfigurationError, match="digits-accuracy"):
        specs([], paths)


@pytest.mark.parametrize(("window", "kept", "needed"), [("28d", 28.5, 29), ("7d", 1.5, 8)])
def test_a_budget_is_not_kept_shorter_than_it_looks_back(
    tmp_path: Path, window: str, kept: float, needed: int
) -> None:
    """
    A retention that would cut an objective's period is refused, and a day more than it is enough.
    """
    path = tmp_path / "otel-confidence.yaml"
    path.write_text(OBJECTIVES.replace("90%", f"90%, window: {window}"))
    wanted = rf"digits-accuracy looks back {window[:-1]} days, but samples are kept for {kept}: "

    with pytest.raises(ConfigurationError, match=f"{wanted}give --retention {needed}d or more"):
        specs([], [path], kept_days=kept)
    assert specs([], [path], kept_days=needed)


def test_the_usual_retention_holds_every_period() -> None:
    """
    Whoever says nothing keeps samples for longer than the longest period that can be promised.
    """
    assert Options().retention >= max(BURN_RATES) + MARGIN_DAYS


def test_a_wrong_file_of_objectives_stops_the_start(tmp_path: Path) -> None:
    """
    A server with wrong objectives does not start, and says file, line and what would be right.
    """
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    folder = str(tmp_path / "data")

    found = CliRunner().invoke(
        cli, ["up", "--data", folder], env={"OTEL_CONFIDENCE_OBJECTIVES": str(path)}
    )

    assert 1 == found.exit_code
    assert f"Error: {path}:3:" in found.output
    assert "accuracy" in found.output
    assert not (tmp_path / "data").exists()
