"""This module checks what is particular about a store on a ClickHouse server.

That it answers as a folder does is what the store's other tests show, which run on a cluster too.
"""

import socket
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.clickhouse import serving
from tests.ports import free_port
from tests.running import running, until

from otel_confidence.errors import ConfigurationError, StoreError
from otel_confidence.points import Batch, Matcher, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.cluster import Layout
from otel_confidence.store.schema import TABLES

NOW_MS = int(time.time() * 1000)
SERIES = Series((("__name__", "m"),))
ONE = Batch(samples=Samples.of([Sample(SERIES, NOW_MS, 1.5)]))
ALL = [Matcher("__name__", "=", "m")]
MAKING = r"^\s*(CREATE|ALTER)"


def test_a_user_is_known_by_the_password_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The right password opens the store; a wrong one is an error that does not repeat it.
    """
    with serving(tmp_path, users={"writer": "right"}) as front:
        url = front.url.replace("://", "://writer@")
        monkeypatch.setenv("OTEL_CONFIDENCE_STORE_PASSWORD", "wrong-secret")
        with pytest.raises(StoreError, match=r"does not answer.*Authentication") as caught:
            Store.open(url)
        monkeypatch.setenv("OTEL_CONFIDENCE_STORE_PASSWORD", "right")
        with closing(Store.open(url)) as store:
            store.write(ONE)
            found = store.select(ALL, 0, NOW_MS)

    assert "secret" not in str(caught.value)
    assert [[1.5]] == [each.values.tolist() for each in found]


def test_a_server_that_is_not_there_is_named() -> None:
    """
    Nothing listening is an error with the address and what the system said, in one sentence.
    """
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        with pytest.raises(StoreError) as caught:
            Store.open(f"clickhouse://127.0.0.1:{port}/db")

    assert str(caught.value) == (
        f"clickhouse://default@127.0.0.1:{port}/db does not answer: Connection refused; "
        "is this the address and HTTP port of a ClickHouse server?"
    )


@pytest.mark.parametrize("cluster", ["", "one"])
def test_a_user_without_rights_uses_the_tables_of_an_administrator(
    tmp_path: Path, cluster: str
) -> None:
    """
    Who may not make tables is told which command prints them, and works once they are there.
    """
    layout = Layout(cluster=cluster)
    with serving(tmp_path, denied=MAKING) as front:
        url = front.cluster_url if cluster else front.url
        with pytest.raises(StoreError, match="otel-confidence store schema"):
            Store.open(url)
        front.denied = None
        for statement in layout.script(15).split(";\n\n")[:-1]:
            front.run(statement, {}, b"")
        front.ran.clear()
        with closing(Store.open(url)) as store:
            store.write(ONE)
            found = store.select(ALL, 0, NOW_MS)

    assert [[1.5]] == [each.values.tolist() for each in found]
    assert [] == [each for each in front.ran if each.lstrip().startswith(("CREATE", "ALTER"))]


def test_closing_ends_only_queries_of_its_own(tmp_path: Path) -> None:
    """
    On a shared server a store that closes stops what carries its mark and nothing else.
    """
    with serving(tmp_path) as front, closing(Store.open(front.url)) as other:
        Store.open(front.url).close()
        [killing] = [each for each in front.ran if each.startswith("KILL")]
        other.write(ONE)

    assert "WHERE Settings['log_comment'] = 'otel-confidence/" in killing


def test_another_retention_is_applied(tmp_path: Path) -> None:
    """
    Opening with another retention changes the tables' own; with the same, nothing.
    """
    with serving(tmp_path) as front:
        Store.open(front.cluster_url, retention_days=15).close()
        front.ran.clear()
        Store.open(front.cluster_url, retention_days=30).close()
        changed = [each for each in front.ran if "MODIFY TTL" in each]
        front.ran.clear()
        Store.open(front.cluster_url, retention_days=30).close()

    assert len(TABLES) == len(changed)
    assert all("_local ON CLUSTER 'one'" in each and "(2592000)" in each for each in changed)
    assert [] == [each for each in front.ran if "ALTER" in each]


def test_another_retention_holds_for_what_was_there(tmp_path: Path) -> None:
    """
    What was written under the shorter retention is kept for the longer one.
    """
    ends = "SELECT max(delete_ttl_info_max) FROM system.parts WHERE table = 'samples' AND active"
    with serving(tmp_path) as front:
        with closing(Store.open(front.url, retention_days=15)) as store:
            store.write(ONE)
            [[before]] = store._writing.query(ends).result_rows
        with closing(Store.open(front.url, retention_days=30)) as store:
            until(lambda: store._writing.query(ends).result_rows != [(before,)])
            [[after]] = store._writing.query(ends).result_rows

    assert timedelta(days=15) == after - before


def test_a_limit_in_bytes_is_for_folders(tmp_path: Path) -> None:
    """
    A server's disks are not the store's to keep small.
    """
    with serving(tmp_path) as front, pytest.raises(ConfigurationError, match="for folders"):
        Store.open(front.url, retention_size=1)


def test_several_stores_share_a_server(tmp_path: Path) -> None:
    """
    What one has written the other finds, series that it never saw included.
    """
    with (
        serving(tmp_path) as front,
        closing(Store.open(front.cluster_url)) as one,
        closing(Store.open(front.cluster_url)) as other,
    ):
        one.write(ONE)
        found = other.select(ALL, 0, NOW_MS)

    assert [SERIES.labels] == [each.labels for each in found]


def test_a_server_that_goes_away_is_missed_only_while_it_is(tmp_path: Path) -> None:
    """
    Writing and reading fail while the server is gone, and go on when it is back.
    """
    port = free_port()
    with serving(tmp_path, port=port) as front:
        store = Store.open(front.url)
    with pytest.raises(StoreError):
        store.write(ONE)
    with pytest.raises(StoreError):
        store.select(ALL, 0, NOW_MS)
    with serving(tmp_path, port=port), closing(store):
        store.write(ONE)
        found = store.select(ALL, 0, NOW_MS)

    assert [[1.5]] == [each.values.tolist() for each in found]


def test_the_server_keeps_what_up_receives(server: str, tmp_path: Path) -> None:
    """
    An up on a cluster answers PromQL from what it received over OTLP, without an engine of its own.
    """
    number = {"timeUnixNano": str(NOW_MS * 10**6), "asDouble": 2.5}
    metrics = [{"name": "heat", "gauge": {"dataPoints": [number]}}]
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}

    with running(tmp_path / "data", "--store", f"{server}/up?cluster=one") as up:
        sent = httpx.post(f"{up.otlp_http}/v1/metrics", json=body)
        asked = f"query=heat&time={NOW_MS / 1000}"
        answer = httpx.get(f"{up.http}/api/v1/query?{asked}").json()

    assert 200 == sent.status_code
    assert ["2.5"] == [each["value"][1] for each in answer["data"]["result"]]
    assert not (tmp_path / "data" / "chdb").exists()
