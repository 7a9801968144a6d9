"""This module checks that what is sent twice, for its answer was lost, is kept once."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from tests.relaying import relaying
from tests.running import until
from tests.sdk.programs import run

from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.query.promql import Engine
from otel_confidence.server.receivers import HttpReceiver
from otel_confidence.store import Store

ROUNDS = 5


@contextmanager
def receiving(store: Store) -> Iterator[str]:
    """
    Host and port of a receiver over a store.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=HttpReceiver(Pipeline(store.write)).routes())
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started)
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class Forgetful:
    """
    Loses every other answer to each kind of request.
    """

    def __init__(self) -> None:
        self.answers: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def __call__(self, asked: bytes) -> bool:
        with self._lock:
            path = asked.split(b" ")[1]
            self.answers[path] += 1
            return self.answers[path] % 2 == 1


def test_a_reset_after_receipt_makes_nothing_count_twice(tmp_path: Path) -> None:
    """
    Again and again the connection is reset once a batch is kept: it is sent anew and kept once.
    """
    store = Store.open(tmp_path / "data", retention_days=30)
    forgetful = Forgetful()
    with receiving(store) as place, relaying(place) as relay:
        relay.keeps_back = forgetful
        told = run(
            f"""
oc.configure(service_name="resets")
flushed = []
for _ in range({ROUNDS}):
    classify()
    flushed.append(oc.flush(60))
tell(flushed=flushed)
""",
            variables={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{relay.address}"},
        )
        kept = [
            store.sql(f"SELECT count() AS n FROM {table}").to_pylist()[0]["n"]
            for table in ("spans", "events")
        ]
        (total,) = Engine(store).query("sum(ml_predictions_total)").series
    store.close()

    assert [True] * ROUNDS == told["flushed"]
    assert [ROUNDS, ROUNDS] == kept
    assert [float(ROUNDS)] == list(total.values)
    assert {b"/v1/traces": 2 * ROUNDS, b"/v1/logs": 2 * ROUNDS}.items() <= forgetful.answers.items()
