"""
This module runs a real Prometheus, writes samples to it and asks it.
"""

import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.ports import free_port
from tests.programs import program
from tests.running import until

from otel_confidence.points import Selection
from otel_confidence.query.prometheus import PrometheusClient

CONFIGURATION = """
global: {evaluation_interval: 1m}
storage: {tsdb: {out_of_order_time_window: 2h}}
"""
SAMPLES_PER_REQUEST = 2000
SERIES_PER_REQUEST = 200


@contextmanager
def prometheus(folder: Path, series: Sequence[Selection]) -> Iterator[PrometheusClient]:
    """
    A Prometheus on a free port of the loopback that holds the series.
    """
    with started(folder) as url:
        write(url, series)
        client = PrometheusClient(url)
        yield client
        client.close()


@contextmanager
def started(folder: Path, *flags: str) -> Iterator[str]:
    """
    An empty Prometheus on a free port of the loopback; its address.
    """
    (folder / "prometheus.yml").write_text(CONFIGURATION)
    port = free_port()
    command = [
        str(program("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
        *flags,
    ]
    log = folder / "prometheus.log"
    with log.open("wb") as output, subprocess.Popen(command, stderr=output) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: process.poll() is not None or _ready(url))
            assert process.poll() is None, log.read_text()
            yield url
        finally:
            process.terminate()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.TransportError:
        return False


def write(url: str, series: Sequence[Selection]) -> None:
    """
    Send all samples in the order of their times, by remote write 1.0.
    """
    moments = sorted(
        (moment, row, value)
        for row, each in enumerate(series)
        for moment, value in zip(
            each.times_ms.tolist(), each.values.view("<u8").tolist(), strict=True
        )
    )
    for start in range(0, len(moments), SAMPLES_PER_REQUEST):
        chunk = [(row, at, bits) for at, row, bits in moments[start : start + SAMPLES_PER_REQUEST]]
        _post(url, sorted(chunk), series)


def write_whole(url: str, series: Sequence[Selection]) -> None:
    """
    Send the samples a series at a time, which is faster.

    All of them lie within the two hours in which Prometheus takes what is out of order.
    """
    for start in range(0, len(series), SERIES_PER_REQUEST):
        chunk = range(start, min(start + SERIES_PER_REQUEST, len(series)))
        _send(url, b"".join(_field(1, _whole(series[row])) for row in chunk))


def _whole(each: Selection) -> bytes:
    samples = zip(each.times_ms.tolist(), each.values.view("<u8").tolist(), strict=True)
    return _labels(each) + b"".join(_sample(moment, bits) for moment, bits in samples)


def _post(url: str, points: list[tuple[int, int, int]], series: Sequence[Selection]) -> None:
    _send(url, b"".join(_field(1, _timeseries(series[row], at, bits)) for row, at, bits in points))


def _send(url: str, body: bytes) -> None:
    response = httpx.post(
        f"{url}/api/v1/write",
        content=_snappy(body),
        headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
    )
    assert response.is_success, response.text


def _timeseries(series: Selection, moment: int, bits: int) -> bytes:
    return _labels(series) + _sample(moment, bits)


def _labels(series: Selection) -> bytes:
    return b"".join(
        _field(1, _field(1, key.encode()) + _field(2, value.encode()))
        for key, value in series.labels
        if value
    )


def _sample(moment: int, bits: int) -> bytes:
    return _field(2, b"\x09" + struct.pack("<Q", bits) + b"\x10" + _varint(moment))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _snappy(content: bytes) -> bytes:
    """
    Snappy's block format without compression: the length, then literals.
    """
    parts = [_varint(len(content))]
    for start in range(0, len(content), 60):
        literal = content[start : start + 60]
        parts.append(bytes([(len(literal) - 1) << 2]) + literal)
    return b"".join(parts)
