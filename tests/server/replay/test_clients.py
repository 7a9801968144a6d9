"""
This module tests that programs written for Prometheus get the same from this server.
"""

import json
import re
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from prometheus_api_client import PrometheusConnect
from tests.programs import program
from tests.server.replay.world import END_S, START_S, World

START = datetime.fromtimestamp(START_S + 600, timezone.utc)
END = datetime.fromtimestamp(END_S, timezone.utc)
RATE = "sum by (ml_model_name) (rate(ml_predictions_total[2m]))"
_NUMBER = re.compile(r"-?\d+\.\d+(e[+-]\d+)?")
_SERIES = re.compile(r"\[.*\]")
"""The series that an error names, in an order and notation of its own."""
SPAN = [f"--start={START_S}", f"--end={END_S}"]


def promtool(url: str, kind: str, *arguments: str) -> list[str]:
    """
    What ``promtool query`` prints about a server, its lines in order.
    """
    flags = [each for each in arguments if each.startswith("--")]
    rest = [each for each in arguments if not each.startswith("--")]
    done = subprocess.run(
        [str(program("promtool")), "query", kind, *flags, url, *rest],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = sorted(_NUMBER.sub(_rounded, line) for line in done.stdout.splitlines())
    return [f"status {done.returncode}", _SERIES.sub("[…]", done.stderr), *lines]


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.9g}"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        pytest.param("instant", [f"--time={END_S}", RATE], id="instant"),
        pytest.param("instant", [f"--time={END_S}", "odd"], id="odd values"),
        pytest.param("instant", [f"--time={END_S}", "1 + 1"], id="scalar"),
        pytest.param("instant", [f"--time={END_S}", "odd * on () odd"], id="refused"),
        pytest.param("range", [*SPAN, "--step=1m", RATE], id="range"),
        pytest.param("series", [*SPAN, "--match=ml_predictions_total"], id="series"),
        pytest.param("series", [*SPAN, '--match={"my.metric"}'], id="utf-8 series"),
        pytest.param("labels", [*SPAN, "ml_model_name"], id="labels"),
    ],
)
def test_promtool_prints_the_same(kind: str, arguments: list[str], both: World) -> None:
    """
    ``promtool query`` gets from this server what it gets from Prometheus.
    """
    theirs = promtool(both.theirs, kind, *arguments)

    assert theirs == promtool(both.ours, kind, *arguments)
    assert len(theirs) > 2 or "many-to-many" in theirs[1]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.all_metrics(), id="metrics"),
        pytest.param(lambda client: client.get_label_names(), id="label names"),
        pytest.param(lambda client: client.get_label_values("le"), id="label values"),
        pytest.param(
            lambda client: client.get_current_metric_value(
                "odd", params={"time": END_S, "timeout": "10s"}
            ),
            id="current value",
        ),
        pytest.param(lambda client: client.custom_query_range(RATE, START, END, "60"), id="range"),
        pytest.param(
            lambda client: client.get_metric_range_data(
                "ml_predictions_total", {"ml_model_name": "digits"}, START, END
            ),
            id="stored samples",
        ),
        pytest.param(
            lambda client: client.get_metric_aggregation(
                RATE, ["sum", "max", "percentile_95"], START, END, "60"
            ),
            id="aggregation",
        ),
    ],
)
def test_prometheus_api_client_returns_the_same(
    ask: Callable[[PrometheusConnect], Any], both: World
) -> None:
    """
    The Python client gets the same values, series and labels from both.
    """
    ours, theirs = (ask(PrometheusConnect(url=url)) for url in (both.ours, both.theirs))

    assert _ordered(theirs) == _ordered(ours)
    assert theirs


def test_prometheus_api_client_finds_the_server(both: World) -> None:
    """
    The Python client's own check of a connection holds.
    """
    assert PrometheusConnect(url=both.ours).check_prometheus_connection()


def _ordered(found: Any) -> Any:
    own = "otel_confidence_"
    if isinstance(found, list):
        # What the server says of itself is not in Prometheus, whose own is in none.
        kept = (each for each in found if not str(each).startswith((own, "otel.", "signal")))
        found = sorted(json.dumps(each, sort_keys=True) for each in kept)
    return _NUMBER.sub(_rounded, str(found))
