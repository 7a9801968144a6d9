"""
This module tests that clients ask while points come in, and nobody is refused.
"""

from pathlib import Path

from tests.bench.concurrency import measure, ours


def test_clients_ask_while_points_come_in(tmp_path: Path) -> None:
    """
    Every query is answered and every point kept, in bounded memory.
    """
    found = measure(ours(tmp_path / "data"), clients=10, points_per_s=1_000, seconds=0.5)

    assert {"200": len(found.latencies_s)} == dict(found.outcomes)
    assert len(found.latencies_s) >= 10
    assert {} == found.sent.refused
    assert found.sent.points > 0
    assert found.peak_mib < 1500
