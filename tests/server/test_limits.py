"""
This module tests how a running server bears heavy queries, many at once and clients that go.
"""

import json
import re
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import httpx
import pytest
from tests import remote
from tests.running import Up, running

from otel_confidence.server.heads import LONGEST_BYTES

START_S = 1_790_000_000
SERIES = 200
STEPS = 300
HEAVY = {
    "query": "sum by (i) (sum_over_time(m[5m]) * on (i, j) group_left () rate(m[10m]))",
    "start": str(START_S),
    "end": str(START_S + 10_999),
    "step": "1",
}
"""Two million values for each selector."""


@pytest.fixture(name="up", scope="module")
def _up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up") / "data", "--retention", "20y") as up:
        labels = [[("__name__", "m"), ("i", str(i // 10)), ("j", str(i))] for i in range(SERIES)]
        points = [((START_S + 36 * step) * 1000, float(step)) for step in range(STEPS)]
        body = b"".join(remote.series(pairs, points) for pairs in labels)
        content = remote.packed(body)
        httpx.post(f"{up.http}/api/v1/write", content=content, headers=remote.V1).raise_for_status()
        yield up


def ask(
    up: Up, path: str, form: dict[str, str], http: httpx.Client | None = None
) -> tuple[int, str]:
    """
    Status and error type of a posted form.
    """
    post = http.post if http else httpx.post
    answer = post(f"{up.http}/api/v1/{path}", data=form, timeout=240)
    return answer.status_code, answer.json().get("errorType", "")


def memory_mib(up: Up, name: str) -> float:
    """
    A line of the server's memory: ``VmRSS`` now, ``VmHWM`` at most so far.
    """
    text = Path(f"/proc/{up.process.pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    assert found
    return int(found[1]) / 1024


def leave(up: Up, forms: Sequence[dict[str, str]]) -> None:
    """
    Send queries and hang up without waiting.
    """
    address = httpx.URL(up.http)
    for form in forms:
        with socket.create_connection((address.host, address.port or 80)) as connection:
            line = f"GET /api/v1/query_range?{urlencode(form)} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            connection.sendall(line.encode())


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        pytest.param({**HEAVY, "start": "1480000000"}, (400, "bad_data"), id="ten years at 1 s"),
        pytest.param({**HEAVY, "timeout": "1ms"}, (503, "timeout"), id="no time"),
        pytest.param(
            {**HEAVY, "query": "sum_over_time(m[60d:10ms])"}, (422, "execution"), id="samples"
        ),
        pytest.param(
            {**HEAVY, "query": "m{j=~'(a+)+(a+)+$'} or m{j=~'(.*)*x'}"}, (200, ""), id="expression"
        ),
        pytest.param(
            {**HEAVY, "query": "m{j=~'(a{1000}){1000}'}"}, (400, "bad_data"), id="pattern"
        ),
    ],
)
def test_what_is_too_heavy_is_refused(
    up: Up, form: dict[str, str], refusal: tuple[int, str]
) -> None:
    """
    Steps, time, samples and regular expressions have limits, with Prometheus's status and type.
    """
    assert refusal == ask(up, "query_range", form)


@pytest.mark.parametrize(
    "text",
    [
        "m'; DROP TABLE samples; --",
        'm{j="1\') OR 1=1 --"}',
        'm{j=~"\' UNION ALL SELECT * FROM system.tables --"}',
        'label_replace(m, "x", "file(\'/etc/passwd\')", "j", ".*")',
        '{__name__="m` FINAL"}',
    ],
)
def test_sql_in_a_query_is_only_text(up: Up, text: str) -> None:
    """
    What looks like SQL in names, values and patterns selects nothing more and harms nothing.
    """
    answer = httpx.get(f"{up.http}/api/v1/query", params={"query": text, "time": START_S + 9000})
    still = httpx.get(
        f"{up.http}/api/v1/query", params={"query": "count(m)", "time": START_S + 9000}
    )

    assert answer.status_code in (200, 400)
    assert "passwd:" not in answer.text
    assert str(SERIES) == still.json()["data"]["result"][0]["value"][1]


def test_two_hundred_heavy_queries_at_once_leave_the_server_responsive(up: Up) -> None:
    """
    A few are computed at a time, the others wait; memory stays bounded.
    """
    forms = [{**HEAVY, "timeout": "5s"}] * 200
    many = httpx.Limits(max_connections=200)
    with ThreadPoolExecutor(200) as clients, httpx.Client(timeout=240, limits=many) as http:
        asked = [clients.submit(ask, up, "query_range", form, http) for form in forms]
        wait(asked, return_when=FIRST_COMPLETED)
        healthy = httpx.get(f"{up.http}/-/healthy", timeout=60)
        named = httpx.get(f"{up.http}/api/v1/labels", timeout=60)
        found = {each.result() for each in asked}

    assert (200, 200) == (healthy.status_code, named.status_code)
    assert found <= {(200, ""), (503, "timeout")}
    assert (200, "") == ask(up, "query", {"query": "1"})
    assert memory_mib(up, "VmHWM") < 3000


def test_a_client_that_leaves_ends_its_query(up: Up) -> None:
    """
    Queries whose clients hang up make room for those who wait; all of them would take minutes.
    """
    sums = " + ".join(f"sum_over_time(m[{minutes}m])" for minutes in range(5, 25))

    leave(up, [{**HEAVY, "query": sums}] * 100)
    answer = ask(up, "query", {"query": "count(m)", "time": str(START_S + 9000), "timeout": "60s"})

    assert (200, "") == answer


def test_an_address_is_as_long_as_prometheus_takes_it(up: Up) -> None:
    """
    A query of 90,000 characters need not be posted.
    """
    text = "a" * 90_000
    asked = urlencode({"query": f"'{text}'", "time": START_S})

    with urlopen(f"{up.http}/api/v1/query?{asked}", timeout=60) as answer:  # httpx writes 64 KiB
        body = json.load(answer)

    assert [START_S, text] == body["data"]["result"]


@pytest.mark.parametrize("head", [b"GET /api/v1/query?query=", b"GET / HTTP/1.1\r\nX: "])
def test_a_head_without_end_is_refused(up: Up, head: bytes) -> None:
    """
    Of an address or header that goes on and on no more than a mebibyte and a packet is kept.
    """
    host, _, port = up.http.removeprefix("http://").partition(":")

    with socket.create_connection((host, int(port)), timeout=60) as sending:
        with suppress(ConnectionError):
            sending.sendall(head + b"a" * LONGEST_BYTES)
        answer = sending.recv(1000)

    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
