"""This module runs an example as a user does, and reads what it sent."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sdk.collector import Collector, collector
from tests.sdk.programs import PATIENT

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Ran:
    """
    What an example printed, and what a Collector received meanwhile.
    """

    printed: str
    received: Collector

    def numbers(self, line: int) -> list[float]:
        """
        The numbers in one printed line.
        """
        text = self.printed.splitlines()[line]
        return [float(n) for n in re.findall(r"(?<![\w.-])-?\d+(?:\.\d+)?", text)]

    def total(self, metric: str, *, field: str = "", **attributes: str) -> float:
        """
        What a metric adds up to over every process; of a histogram its count, or another field.
        """
        latest: dict[Any, float] = {}
        for path, request in self.received.requests:
            if path == "/v1/metrics":
                for resource in request.resource_metrics:
                    key = resource.resource.SerializeToString()
                    for scope in resource.scope_metrics:
                        for found in scope.metrics:
                            if found.name == metric:
                                latest[key] = _sum(found, field, attributes)
        return sum(latest.values())

    def span_attributes(self) -> list[dict[str, Any]]:
        """
        The attributes of each span.
        """
        return [
            {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}
            for span in self.received.spans()
        ]


def run(name: str, *arguments: str, complaint: str = "") -> Ran:
    """
    Run an example beside a Collector; it must end well with this on its standard error.
    """
    with collector() as received:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url}
        printed = alone(name, *arguments, complaint=complaint, **endpoint)
    return Ran(printed, received)


def alone(name: str, *arguments: str, complaint: str = "", **environment: str) -> str:
    """
    What an example prints; warnings are errors, and its standard error must hold just this.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        env={**inherited, **PATIENT, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (0, complaint) == (done.returncode, done.stderr)
    return done.stdout


def _sum(metric: Any, field: str, attributes: dict[str, str]) -> float:
    points = getattr(metric, metric.WhichOneof("data")).data_points
    total = 0.0
    for point in points:
        labels = {a.key.replace(".", "_"): a.value.string_value for a in point.attributes}
        if attributes.items() <= labels.items():
            total += _value(metric, point, field)
    return total


def _value(metric: Any, point: Any, field: str) -> float:
    if metric.HasField("histogram"):
        return float(getattr(point, field or "count"))
    return float(getattr(point, point.WhichOneof("value")))
