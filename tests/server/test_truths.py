"""This module checks where truths are taken in: formats, answers, refusals and bounds."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.ingest.truths_told import calibration, counters, receipt

from otel_confidence.errors import QueryError, StoreBusy, StoreError
from otel_confidence.ingest.pipeline import Ledger
from otel_confidence.ingest.truth_bodies import MAX_RECORDS
from otel_confidence.ingest.truth_records import Told
from otel_confidence.ingest.truths import Truths
from otel_confidence.receipts import Near
from otel_confidence.server.truths import TruthReceiver
from otel_confidence.store import Store

OUTCOMES, FEEDBACK = "/api/v1/outcomes", "/api/v1/feedback"
JSON, LINES = "application/json", "application/x-ndjson"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"


class Remembered(Truths):
    """Truths kept in memory only, each once; or a failure, as told."""

    def __init__(self) -> None:
        self.kept: list[Told] = []
        self.error: Exception | None = None

    def keep(self, told: Any) -> list[bool]:
        if self.error:
            raise self.error
        new = []
        for each in told:
            new.append(all(each.identity != kept.identity for kept in self.kept))
            self.kept.append(each)
        return new


@pytest.fixture
def truths() -> Remembered:
    return Remembered()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def client(truths: Remembered, ledger: Ledger) -> TestClient:
    return TestClient(Starlette(routes=TruthReceiver(truths, ledger).routes()))


def post(client: TestClient, body: Any, kind: str = JSON, path: str = OUTCOMES) -> Any:
    content = json.dumps(body) if kind == JSON and not isinstance(body, bytes) else body
    return client.post(path, content=content, headers={"Content-Type": kind})


def in_csv(records: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode("utf-8-sig")


def in_parquet(table: Any, **how: Any) -> bytes:
    made = io.BytesIO()
    pq.write_table(table, made, **how)
    return made.getvalue()


BODIES: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    JSON: lambda records: json.dumps(records).encode(),
    LINES: lambda records: "\n\n".join(map(json.dumps, records)).encode() + b"\n",
    CSV: in_csv,
    PARQUET: lambda records: in_parquet(pa.Table.from_pylist(records)),
}


@pytest.mark.parametrize("kind", [JSON, LINES, CSV, PARQUET])
def test_every_format_is_answered_record_by_record(
    client: TestClient, ledger: Ledger, kind: str
) -> None:
    """
    Accepted, duplicate and refused with its reason, in the order of the records, with status 207.
    """
    records: list[dict[str, Any]] = [
        {"receipt": receipt(1), "label": "4", "more": "left alone"},
        {"receipt": receipt(1), "label": "5", "more": ""},
        {"receipt": "forged", "label": "4", "more": ""},
        {"receipt": receipt(2), "label": None, "more": ""},
        {"receipt": receipt(3), "label": "5", "more": ""},
    ]
    answer = post(client, BODIES[kind](records), kind)
    found = answer.json()

    assert 207 == answer.status_code
    assert (2, 1, 2) == (found["accepted"], found["duplicate"], found["refused"])
    assert [
        (0, "accepted", None), (1, "duplicate", None), (2, "refused", "invalid_receipt"),
        (3, "refused", "truth_missing"), (4, "accepted", None),
    ] == [(r["index"], r["status"], r.get("reason")) for r in found["results"]]  # fmt: skip
    assert (
        {"outcome": 2},
        {("outcome", reason): 1 for reason in ("duplicate", "invalid_receipt", "truth_missing")},
    ) == ledger.snapshot()


@pytest.mark.parametrize("kind", [JSON, LINES, CSV, PARQUET])
def test_every_kind_of_truth_is_read(client: TestClient, truths: Remembered, kind: str) -> None:
    """
    Label, verdict, value and score mean the same in every format; numbers and their texts too.
    """
    near = Near(10.0, 0.5)
    empty: dict[str, Any] = {
        "receipt": "", "label": None, "correct": None, "value": None, "score": None, "time": None,
    }  # fmt: skip
    told: list[dict[str, Any]] = [
        {"receipt": receipt(1), "label": "4"},
        {"receipt": receipt(2), "correct": False},
        {"receipt": receipt(3, answer=near), "value": 10.5},
        {"receipt": receipt(4), "score": 0.25, "time": "2020-01-01T00:00:00Z"},
    ]
    answer = post(client, BODIES[kind]([empty | record for record in told]), kind)

    assert 200 == answer.status_code, answer.text
    assert [1, 0, 1, 0.25] == [each.attributes["ml.prediction.correctness"] for each in truths.kept]
    assert 0 == truths.kept[3].attributes["ml.prediction.label.delay"]
    assert "10.5" == truths.kept[2].attributes["ml.prediction.truth"]


def test_one_object_is_one_record(client: TestClient) -> None:
    """
    A single object is answered like a list of one; refused, its status is 422.
    """
    first = post(client, {"receipt": receipt(1), "label": 4})
    again = post(client, {"receipt": receipt(1), "label": 4})
    forged = post(client, {"receipt": "forged", "label": 4})

    assert (200, "accepted") == (first.status_code, first.json()["results"][0]["status"])
    assert (200, "duplicate") == (again.status_code, again.json()["results"][0]["status"])
    assert (422, 1) == (forged.status_code, forged.json()["refused"])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (4, "malformed"),
        ([], "malformed"),
        (None, "malformed"),
        ({}, "invalid_receipt"),
        ({"receipt": 4}, "invalid_receipt"),
        ({"receipt": ["x"]}, "invalid_receipt"),
        ({"receipt": ...}, "truth_missing"),
        ({"receipt": ..., "label": ""}, "truth_missing"),
        ({"receipt": ..., "value": 1}, "label_unknown"),
        ({"receipt": ..., "value": "1"}, "invalid_value"),
        ({"receipt": ..., "value": True}, "invalid_value"),
        ({"receipt": ..., "value": 10**400}, "invalid_value"),
        ({"receipt": ..., "score": 2}, "invalid_value"),
        ({"receipt": ..., "correct": "maybe"}, "invalid_value"),
        ({"receipt": ..., "correct": []}, "invalid_value"),
        ({"receipt": ..., "correct": True, "score": 1}, "invalid_value"),
        ({"receipt": ..., "label": 4, "time": "yesterday"}, "invalid_value"),
        ({"receipt": ..., "label": 4, "time": "2026-01-01T00:00:00"}, "invalid_value"),
        ({"receipt": ..., "label": 4, "time": 1e12}, "invalid_value"),
        ({"receipt": ..., "label": 4, "time": -1}, "invalid_value"),
    ],
)
def test_unusable_records_are_refused_by_reason(
    client: TestClient, record: Any, reason: str
) -> None:
    """
    Each record that can't be used says why, and the one beside it is kept.
    """
    if isinstance(record, dict) and record.get("receipt") is ...:
        record = record | {"receipt": receipt(1)}
    answer = post(client, [record, {"receipt": receipt(2), "label": "4"}])

    assert 207 == answer.status_code
    assert (reason, "accepted") == (
        answer.json()["results"][0].get("reason"), answer.json()["results"][1]["status"],
    )  # fmt: skip


def test_judgements_are_taken(client: TestClient, truths: Remembered) -> None:
    """
    A judgement needs a score; type, source, comment and judge may be said.
    """
    answer = post(client, [
        {"receipt": receipt(1), "score": 0.5},
        {"receipt": receipt(1), "score": 1},
        {"receipt": receipt(1), "score": 1, "type": "speed", "source": "expert", "judge": 7,
         "comment": "a\r\nb"},
        {"receipt": receipt(1)},
        {"receipt": receipt(1), "score": 5},
        {"receipt": receipt(1), "score": 1, "type": "x"},
        {"receipt": receipt(1), "score": 1, "comment": 4},
    ], path=FEEDBACK)  # fmt: skip

    assert ["accepted", "duplicate", "accepted", *["refused"] * 4] == [
        result["status"] for result in answer.json()["results"]
    ]
    assert r"a\r\nb" == truths.kept[2].attributes["ml.feedback.comment"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", JSON), (b"{", JSON), (b"4", JSON), (b'"x"', JSON), (b"[NaN]", JSON),
        (b"\xff", JSON), (b"[" * 10_000, JSON), (b"[" + b"1" * 5_000 + b"]", JSON),
        (b"", CSV), (b"a,b\n1,2", CSV), (b"\xff\xfe", CSV), (b'receipt,"', CSV),
        (b",".join([b"receipt"] * 300), CSV),
        (b"", PARQUET), (b"PAR1" * 20, PARQUET),
        (in_parquet(pa.table({"x": [1]})), PARQUET),
        (in_parquet(pa.table({"receipt": ["x"], "label": [[["nested"]]]})), PARQUET),
        (in_parquet(pa.table({"receipt": ["x"] * 9}))[:-9], PARQUET),
    ],
)  # fmt: skip
def test_unreadable_bodies_are_refused(client: TestClient, body: bytes, kind: str) -> None:
    """
    A body of which nothing can be read is answered 400 with the reason.
    """
    answer = post(client, body, kind)

    assert 400 == answer.status_code
    assert answer.json()["error"]


def test_broken_lines_and_rows_leave_the_others(client: TestClient) -> None:
    """
    A line or row that cannot be read is refused in its place.
    """
    line = json.dumps({"receipt": receipt(1), "label": "4"}).encode()
    lines = post(client, b"\n".join([b"{", line, b"[" * 10_000, b"NaN"]), LINES).json()
    rows = post(client, f"receipt,label\n{receipt(2)}\n{receipt(3)},4,5\n{receipt(4)},4".encode(),
                CSV).json()  # fmt: skip

    assert ["refused", "accepted", "refused", "refused"] == [r["status"] for r in lines["results"]]
    assert ["refused", "refused", "accepted"] == [r["status"] for r in rows["results"]]
    assert {"malformed"} == {
        r["reason"] for r in [*lines["results"], *rows["results"]] if "reason" in r
    }


def test_empty_batches_are_fine(client: TestClient) -> None:
    """
    A list or table without records is no mistake.
    """
    for body, kind in ((b"[]", JSON), (b"", LINES), (b"receipt,label\n", CSV)):
        answer = post(client, body, kind)

        assert (200, []) == (answer.status_code, answer.json()["results"])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" + b"4," * MAX_RECORDS + b"4]", JSON),
        (b"4\n" * (MAX_RECORDS + 1), LINES),
        (b"receipt\n" + b"x\n" * (MAX_RECORDS + 1), CSV),
        (in_parquet(pa.table({"receipt": pa.nulls(MAX_RECORDS + 1, pa.string())})), PARQUET),
        (b" " * (20 << 20) + b"[]", JSON),
    ],
    ids=["array", "lines", "rows", "parquet", "bytes"],
)
def test_too_large_bodies_are_refused(client: TestClient, body: bytes, kind: str) -> None:
    """
    More records or bytes than one request may bring are answered 413.
    """
    assert 413 == post(client, body, kind).status_code


def test_bombs_stay_outside(client: TestClient) -> None:
    """
    A gzip body is inflated no further than allowed; a Parquet file's long text is not repeated.
    """
    bomb = gzip.compress(bytes(64 << 20))
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    repeated = pa.array(["x" * 5_000_000]).dictionary_encode().take(pa.array([0] * 50_000))
    small = in_parquet(pa.table({"receipt": repeated}), compression="zstd")

    assert 413 == client.post(OUTCOMES, content=bomb, headers=headers).status_code
    assert len(small) < 10_000
    assert 400 == post(client, small, PARQUET).status_code


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream", "application/xml"])
def test_other_types_are_refused(client: TestClient, kind: str) -> None:
    """
    A content type that is not understood is answered 415 with those that are.
    """
    answer = post(client, b"[]", kind)

    assert 415 == answer.status_code
    assert PARQUET in answer.json()["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreBusy("full"), 429), (StoreError("broken"), 503), (QueryError("slow"), 503)],
)
def test_failing_store_is_answered(
    client: TestClient, truths: Remembered, error: Exception, status: int
) -> None:
    """
    A store that is full or broken makes the sender try again.
    """
    truths.error = error
    answer = post(client, {"receipt": receipt(1), "label": "4"})

    assert status == answer.status_code
    assert answer.headers["retry-after"]


def test_signed_receipts_need_a_key(truths: Remembered) -> None:
    """
    With keys, a receipt must be signed with one of them.
    """
    told = TruthReceiver(truths, Ledger(), keys=("new", "old"))
    client = TestClient(Starlette(routes=told.routes()))
    records = [{"receipt": receipt(n, key=key), "label": "4"}
               for n, key in enumerate(("new", "old", "other", ""))]  # fmt: skip

    assert ["accepted", "accepted", "refused", "refused"] == [
        result["status"] for result in post(client, records).json()["results"]
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def test_what_is_accepted_is_counted(store: Store) -> None:
    """
    Truths in a real store move the calibration counters by what numpy says.
    """
    client = TestClient(Starlette(routes=TruthReceiver(Truths(store), Ledger()).routes()))
    truths = [(n, (n % 20) / 20, str(4 + n % 3)) for n in range(1, 201)]
    records = [{"receipt": receipt(n, sure), "label": label} for n, sure, label in truths]
    answers = [post(client, records[:150]), post(client, records[50:])]
    sums = calibration(store)

    assert [150, 50] == [answer.json()["accepted"] for answer in answers]
    assert 200 == sum(sums["predictions"].values())
    assert pytest.approx(sum(sure for _, sure, _ in truths)) == sum(sums["confidence"].values())
    assert sum(label == "4" for _, _, label in truths) == sum(sums["correct"].values())
    assert {(): 200} == counters(store, "ml_prediction_label_delay_seconds_count")
