"""
This module reads what a Collector tells of itself: what came in, what left, what waits or is lost.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_NUMBER: Final = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_LINE: Final = re.compile(
    rf"^otelcol_(\w+?)(?:_total)?(?:\{{(.*)\}})? ({_NUMBER})(?: \d+)?$", re.MULTILINE
)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_UNITS: Final = {"metric": "metric_points", "trace": "spans", "event": "log_records"}
"""What a Collector counts each signal in."""
_KINDS: Final = {"metric": "metrics", "trace": "traces", "event": "logs"}
"""How its queues name each signal."""
_SAMPLED: Final = "processor_tail_sampling_global_count_traces_sampled"
_Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Flow:
    """
    What became of one signal between two looks, in the gateway's own count.

    Others' telemetry is counted too, so that it tells what is likely, not what is certain.
    """

    accepted: float = 0
    refused: float = 0
    sent: float = 0
    to: tuple[str, ...] = ()
    """Where it went, as hosts with their ports."""
    lost: Mapping[str, float] = field(default_factory=dict)
    """By exporter, what it could not send and does not try again."""
    waiting: Mapping[str, float] = field(default_factory=dict)
    """By exporter, how much waits in its queue now."""
    left_out: float = 0
    """Traces that tail sampling decided not to keep."""


class Counts:
    """
    The gateway's own metrics at one time.

    Args:
        text: Prometheus's text format.
    """

    def __init__(self, text: str) -> None:
        self._values: dict[_Series, float] = {}
        for name, labels, value in _LINE.findall(text):
            self._values[name, tuple(_LABEL.findall(labels))] = float(value)

    def __bool__(self) -> bool:
        """
        Whether they are a Collector's at all.
        """
        return bool(self._values)

    def since(self, before: "Counts", signal: str) -> Flow:
        """
        What became of a signal since an earlier look.
        """
        unit = _UNITS[signal]
        waiting = self.by("exporter_queue_size", "exporter", data_type=_KINDS[signal])
        lost: defaultdict[str, float] = defaultdict(float)
        for step in ("send_failed", "enqueue_failed"):
            for name, number in self._grown(before, f"exporter_{step}_{unit}", "exporter").items():
                lost[name] += number
        sampling = self._grown(before, _SAMPLED, "sampled") if signal == "trace" else {}
        refused = self._grown(before, f"receiver_refused_{unit}", "receiver")
        return Flow(
            accepted=sum(self._grown(before, f"receiver_accepted_{unit}", "receiver").values()),
            refused=sum(refused.values()),
            sent=sum(self._grown(before, f"exporter_sent_{unit}", "exporter").values()),
            to=self._places(f"exporter_sent_{unit}"),
            lost={name: number for name, number in lost.items() if number},
            waiting={name: number for name, number in waiting.items() if number},
            left_out=sampling.get("false", 0),
        )

    def _places(self, name: str) -> tuple[str, ...]:
        told = [dict(pairs) for known, pairs in self._values if known == name]
        places = {(of.get("server_address", ""), of.get("server_port", "")) for of in told}
        return tuple(sorted(f"{host}:{port}" for host, port in places if host))

    def by(self, name: str, label: str, **wanted: str) -> dict[str, float]:
        """
        The sum over every series of a name, for each value of a label.
        """
        sums: defaultdict[str, float] = defaultdict(float)
        for (known, pairs), value in self._values.items():
            labels = dict(pairs)
            if known == name and wanted.items() <= labels.items():
                sums[labels.get(label, "")] += value
        return dict(sums)

    def _grown(self, before: "Counts", name: str, label: str) -> dict[str, float]:
        was = before.by(name, label)
        return {key: max(value - was.get(key, 0), 0) for key, value in self.by(name, label).items()}
