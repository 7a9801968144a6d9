"""
This module is a program whose model is told, by files in its home folder, what to see.

Once there is a file ``drift``, two of its features leave their reference; once there is a file
``calm``, it sees twenty times as many values as it was made for.
"""

import signal
import time
from pathlib import Path

import otel_confidence as oc

MODEL = "drifter"
FEATURES = ("ink", "size")
STRANGE = 600
DRIFT, CALM = "drift", "calm"
_VALUES = [float(n) for n in range(100)]


def main() -> None:
    """Wait, drift, wait, calm down, stay."""
    oc.configure(service_name="drifter")
    reference = oc.Reference.from_data(features=dict.fromkeys(FEATURES, _VALUES))

    @oc.track_confidence(
        model=MODEL, version="1", confidence="sure", reference=reference, features="row"
    )
    def predict(row: dict[str, float]) -> dict[str, float]:  # noqa: ARG001  counted from outside
        return {"sure": 0.95}

    _told(DRIFT)
    for _ in range(STRANGE):
        predict(dict.fromkeys(FEATURES, 5.0))
    _told(CALM)
    for n in range(20 * STRANGE):
        predict(dict.fromkeys(FEATURES, _VALUES[n % 100]))
    signal.pause()


def _told(word: str) -> None:
    while not (Path.home() / word).exists():
        time.sleep(0.05)


if __name__ == "__main__":
    main()
