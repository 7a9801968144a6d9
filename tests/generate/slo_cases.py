"""
This module lets promtool run the rules of one objective over series of one's own.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.programs import program

from otel_confidence.generate.slos import rule_file
from otel_confidence.objectives import Objective

Series = Mapping[str, str]
"""Values in promtool's notation by series, one for each minute."""


def complaints(
    folder: Path, objective: Objective, cases: Sequence[Mapping[str, Any]], *, every: str = "1m"
) -> str:
    """
    What promtool finds wrong with some cases over the rules of an objective; nothing if all pass.
    """
    promtool = program("promtool")
    rules = rule_file([objective])
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    told = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": every,
        "fuzzy_compare": True,
        # In any order otherwise, and a series recorded five minutes ago is one of no value.
        "group_eval_order": [group["name"] for group in rules["groups"]],
        "tests": [{"interval": "1m", **case} for case in cases],
    }
    (folder / "cases.yml").write_text(yaml.safe_dump(told, sort_keys=False, width=10_000))
    run = subprocess.run(
        [promtool, "test", "rules", "cases.yml"],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return "" if run.returncode == 0 else run.stdout + run.stderr


def series(values: Series) -> list[dict[str, str]]:
    """
    Input as promtool reads it.
    """
    return [{"series": name, "values": text} for name, text in values.items()]


def fired(expression: str, minute: int, value: float | None) -> dict[str, Any]:
    """
    What an expression without labels must be at a minute; None for nothing.
    """
    samples = [] if value is None else [{"labels": "{}", "value": value}]
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples}


def firing(alert: str, minute: int, count: int) -> dict[str, Any]:
    """
    How many alerts of a name must fire at a minute.
    """
    expression = f'sum(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    return fired(expression, minute, count or None)
