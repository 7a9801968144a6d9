"""This module fills folders, once, with the samples that the two servers serve."""

import hashlib
import inspect
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
from tests.bench.promql import dataset
from tests.bench.promql.dataset import Block, Scale, blocks
from tests.bench.promql.servers import prometheus

from otel_confidence.points import Batch, Labels, Samples, Series
from otel_confidence.store import Store, densities, rollups, schema

RETENTION_DAYS = 10_000
_LAYOUT = (schema, densities, rollups)
"""What decides what a filled folder holds."""
REST_S = 1e6
"""Rolled up is at the end: samples of the past would have it done again at each round."""
TOGETHER = 10
"""How many samples of each series are sent at once."""


def cache() -> Path:
    """Where filled folders stay, outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(base).expanduser() / "otel-confidence" / "bench"


def store_folder(scale: Scale) -> Path:
    """The folder of a store with the samples."""
    version = "".join(inspect.getsource(module) for module in _LAYOUT)
    return _filled(f"store-{scale.samples}", version, lambda folder: _fill_store(folder, scale))


def prometheus_folder(scale: Scale) -> Path:
    """The folder of a Prometheus with the samples, in one block as its own snapshot makes it."""
    return _filled(f"tsdb-{scale.samples}", "", lambda folder: _fill_prometheus(folder, scale))


def _filled(name: str, version: str, fill: Callable[[Path], None]) -> Path:
    source = inspect.getsource(dataset) + version
    folder = cache() / f"{name}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    if not folder.exists():
        print(f"filling {folder.name} ...", flush=True)
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        fill(unfinished)
        unfinished.rename(folder)
    return folder


def _slices(scale: Scale) -> Iterator[list[Block]]:
    found = list(blocks(scale))
    for start in range(0, scale.samples, TOGETHER):
        part = slice(start, start + TOGETHER)
        yield [Block(each.labels, each.times_ms[part], each.values[:, part]) for each in found]


def _fill_store(folder: Path, scale: Scale) -> None:
    store = Store.open(folder, retention_days=RETENTION_DAYS, upkeep_s=REST_S)
    for part in _slices(scale):
        store.write(Batch(samples=Samples.joined([_samples(block) for block in part])))
    store.keep_up()
    # The second round lets minutes go that are past their time.
    store.keep_up()
    store.close()


def _samples(block: Block) -> Samples:
    series = {each.fingerprint: each for each in map(Series, block.labels)}
    count = len(block.times_ms)
    return Samples(
        np.repeat(np.array(list(series), dtype=np.uint64), count),
        np.tile(block.times_ms, len(series)),
        block.values.ravel(),
        series,
    )


def _fill_prometheus(folder: Path, scale: Scale) -> None:
    # One head for everything, so that chunks hold as many samples as those of dense series do.
    flags = ("--web.enable-admin-api", "--storage.tsdb.min-block-duration=40d")
    with prometheus(folder, *flags) as url:
        for part in _slices(scale):
            body = b"".join(_field(10, each) for block in part for each in _timeseries(block))
            httpx.post(
                f"{url}/api/v1/write",
                content=pa.compress(body, "snappy", asbytes=True),
                headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
                timeout=60,
            ).raise_for_status()
        answer = httpx.post(f"{url}/api/v1/admin/tsdb/snapshot", timeout=600).raise_for_status()
        name = answer.json()["data"]["name"]
    for each in folder.iterdir():
        if each.name != "snapshots" and each.is_dir():
            shutil.rmtree(each)
    for each in (folder / "snapshots" / name).iterdir():
        each.rename(folder / each.name)
    shutil.rmtree(folder / "snapshots")


def _timeseries(block: Block) -> Iterator[bytes]:
    samples = np.zeros((len(block.times_ms), 18), dtype=np.uint8)
    samples[:, :3], samples[:, 11] = (0x12, 16, 0x09), 0x10
    for place in range(6):
        more = 0x80 if place < 5 else 0
        samples[:, 12 + place] = (block.times_ms >> (7 * place)) & 0x7F | more
    for labels, values in zip(block.labels, block.values, strict=True):
        samples[:, 3:11] = values.astype("<f8").view(np.uint8).reshape(-1, 8)
        yield _described(labels) + samples.tobytes()


def _described(labels: Labels) -> bytes:
    return b"".join(
        _field(10, _field(10, key.encode()) + _field(18, value.encode())) for key, value in labels
    )


def _field(tag: int, content: bytes) -> bytes:
    size, length = bytearray(), len(content)
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return struct.pack("B", tag) + bytes([*size, length]) + content
