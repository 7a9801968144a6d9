"""
This module has the demo's alerts evaluated and hears of them, by a webhook and by a file.

The alerts that come along look back for minutes and more, as they should in production. The demo's
own have the same expressions over seconds, so that a round of a minute makes them fire and end.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.table import Table

from otel_confidence import conventions as c
from otel_confidence import expressions
from otel_confidence.expressions import PER_MODEL

WINDOW = "10s"
PATIENCE_S = 15.0
"""How long to wait for the end of alerts before the demo ends with some of them firing."""


class Told(NamedTuple):
    """
    What can be told of an incident: that it fires, or that it is over.
    """

    alert: str
    began: str
    status: str


@dataclass
class Alarms:
    """
    Who hears of the demo's alerts.
    """

    folder: Path
    hook: str
    bodies: list[Any] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """
        Where notifications are written, one a line.
        """
        return self.folder / "alerts.jsonl"

    def options(self) -> list[str]:
        """
        The options of ``up``, for which the rules are written down.
        """
        rules = self.folder / "demo-alerts.yml"
        rules.write_text(yaml.safe_dump(rule_file(), sort_keys=False))
        return [
            *("--rules", "built-in", "--rules", str(rules)),
            *("--notify", self.hook, "--notify-host", "127.0.0.1", "--notify", str(self.file)),
            *("--group-by", "alertname", "--group-wait", "0s", "--group-interval", "1s"),
        ]

    def by_hook(self) -> Counter[Told]:
        """
        What the webhook was told, and how often.
        """
        return _counted(self.bodies)

    def by_file(self) -> Counter[Told]:
        """
        What stands in the file, and how often.
        """
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return _counted([json.loads(line) for line in lines])

    def ended(self) -> bool:
        """
        Whether both were told the end of everything that they were told the beginning of.
        """
        return all(
            told._replace(status="resolved") in counts
            for counts in (self.by_hook(), self.by_file())
            for told in [*self.by_hook(), *self.by_file()]
        )

    def wait(self, leaves: Callable[[], bool]) -> None:
        """
        Wait until every alert has ended, for as long as that is worth it and nobody leaves.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not self.ended() and time.monotonic() < deadline and not leaves():
            time.sleep(0.2)

    def table(self) -> Table:
        """
        Every incident, and how often each of the two heard of its beginning and end.
        """
        hook, file = self.by_hook(), self.by_file()
        drawn = Table(title="Alerts: how often each was told of | webhook | file")
        for heading in ("alert", "began", "firing", "resolved"):
            drawn.add_column(heading, justify="left" if heading == "alert" else "right")
        for alert, began in sorted({told[:2] for told in [*hook, *file]}):
            keys = [Told(alert, began, status) for status in ("firing", "resolved")]
            drawn.add_row(alert, began[11:19], *(f"{hook[key]} | {file[key]}" for key in keys))
        return drawn


@contextmanager
def alarms(folder: Path) -> Iterator[Alarms]:
    """
    A webhook of the demo's own, and a file in the folder.
    """
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        """
        Keeps what is posted.
        """

        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """
            Say nothing.
            """

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Alarms(folder, f"http://127.0.0.1:{server.server_port}/alerts", heard)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rule_file() -> dict[str, Any]:
    """
    The demo's alerts, all of which a camera that loses half of each image makes fire.
    """
    mine = f'{c.MODEL_NAME.label}="digits"'
    sure = expressions.labeled_confidence(WINDOW, PER_MODEL, mine)
    right = expressions.accuracy(WINDOW, PER_MODEL, mine)
    found = {
        "DemoAccuracyLow": (f"{right} < 0.8", "is right {{ $value | humanizePercentage }}"),
        "DemoOverconfident": (
            f"({sure})\n  - ({right}) > 0.15",
            "is surer than it is right, by {{ $value | humanizePercentage }}",
        ),
        "DemoCalibrationOff": (
            f"{expressions.ece(WINDOW, PER_MODEL, mine)} > 0.2",
            'has a calibration error of {{ printf "%.2f" $value }}',
        ),
        "DemoBrierScoreHigh": (
            f"{expressions.brier(WINDOW, PER_MODEL, mine)} > 0.2",
            'has a Brier score of {{ printf "%.2f" $value }}',
        ),
    }
    rules = [
        {
            "alert": name,
            "expr": expression,
            "for": "1s",
            "keep_firing_for": "2s",
            "labels": {"severity": "warning"},
            "annotations": {"summary": f"{{{{ $labels.{c.MODEL_NAME.label} }}}} {what}"},
        }
        for name, (expression, what) in found.items()
    ]
    return {"groups": [{"name": "demo", "interval": "1s", "rules": rules}]}


def _counted(bodies: list[Any]) -> Counter[Told]:
    return Counter(
        Told(alert["labels"]["alertname"], alert["startsAt"], alert["status"])
        for body in bodies
        for alert in body["alerts"]
        if alert["labels"]["alertname"].startswith("Demo")
    )
