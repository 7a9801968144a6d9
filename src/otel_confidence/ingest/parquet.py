"""
This module reads Parquet files of strangers, in a process of its own with bounded memory and time.

A small file can unfold to anything, and its own statements about its size need not be true. What a
process that reads it breaks is only itself.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from otel_confidence.errors import ConfigurationError, InvalidRecord, StoreBusy

_FIELDS: Final = (
    "receipt", "label", "correct", "value", "score", "time", "type", "source", "comment", "judge",
)  # fmt: skip
_MEMORY: Final = 768 * 1024 * 1024
"""Address space of the reading process; Python and Arrow take some 350 MiB of it."""
_SECONDS: Final = 20
_OUTPUT: Final = 64 * 1024 * 1024
_TEXT: Final = 4096
_ROWS: Final = 4096
_ARGUMENTS: Final = 2
_AT_ONCE = threading.BoundedSemaphore(2)
_TOO_MANY, _WRONG = 3, 4


def records(
    body: bytes, *, max_records: int, too_many: Callable[[], InvalidRecord]
) -> list[dict[str, Any]]:
    """
    The rows of a file: its columns that records have, null where a cell is.

    Raises:
        InvalidRecord: It cannot be read, or takes too much.
        StoreBusy: Others are being read.
    """
    if not _AT_ONCE.acquire(timeout=_SECONDS):
        raise StoreBusy("other Parquet files are being read; try again")
    try:
        ended = subprocess.run(  # noqa: S603  this very program
            [sys.executable, "-m", __name__, str(max_records)],
            input=body,
            capture_output=True,
            timeout=2 * _SECONDS,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise InvalidRecord("the Parquet file takes too long to read") from None
    finally:
        _AT_ONCE.release()
    if ended.returncode == _TOO_MANY:
        raise too_many()
    if ended.returncode == _WRONG:
        raise InvalidRecord(ended.stderr.decode("utf-8", "replace")[-400:].strip())
    if ended.returncode:
        raise InvalidRecord("the Parquet file is damaged, or takes too much memory or time to read")
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def _environment() -> dict[str, str]:
    """
    The environment without any settings or secrets of the server.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    return kept | {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1",
                   "OMP_NUM_THREADS": "1"}  # fmt: skip


def _main() -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    body, max_records = sys.stdin.buffer.read(), int(sys.argv[1])
    import pyarrow as pa

    try:
        return _written(body, max_records)
    except KeyError as error:
        sys.stderr.write(f"the Parquet file cannot be read: the column {error} is nested")
        return _WRONG
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        sys.stderr.write(f"the Parquet file cannot be read: {error}")
        return _WRONG


def _written(body: bytes, max_records: int) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pq.read_schema(pa.BufferReader(body)).names
    wanted = [name for name in _FIELDS if name in names]
    if "receipt" not in wanted:
        raise ValueError("it has no column receipt")
    # Texts stay dictionaries, so that a long one that repeats stands in memory once.
    file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=wanted)
    if file.metadata.num_rows > max_records:
        return _TOO_MANY
    size = sys.stdout.write("[")
    comma = ""
    for batch in file.iter_batches(batch_size=_ROWS, columns=wanted, use_threads=False):
        for row in _rows(batch):
            size += sys.stdout.write(comma + json.dumps(row, allow_nan=False))
            comma = ","
        if size > _OUTPUT:
            raise ValueError(f"its texts take more than {_OUTPUT >> 20} MiB")
    sys.stdout.write("]")
    return 0


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    columns = {name: _cells(batch.column(name)) for name in batch.schema.names}
    for place in range(batch.num_rows):
        yield {name: cells[place] for name, cells in columns.items() if cells[place] is not None}


def _cells(column: Any) -> list[Any]:
    import pyarrow as pa

    if isinstance(column, pa.DictionaryArray):
        words = [_plain(word) for word in column.dictionary.to_pylist()]
        return [None if at is None else words[at] for at in column.indices.to_pylist()]
    return [_plain(cell) for cell in column.to_pylist()]


def _plain(cell: Any) -> Any:
    """
    A cell as JSON has it: texts bounded, other things as the text of a label.
    """
    from datetime import datetime, timezone

    from otel_confidence.text import label_text

    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, (int, float)):
        return None if cell != cell else cell if abs(cell) < float("inf") else str(cell)  # noqa: PLR0124  NaN
    if isinstance(cell, datetime):
        moment = cell if cell.tzinfo else cell.replace(tzinfo=timezone.utc)
        return moment.isoformat()
    return cell[:_TEXT] if isinstance(cell, str) else label_text(cell)


if __name__ == "__main__":
    if len(sys.argv) != _ARGUMENTS:
        raise ConfigurationError("this program reads Parquet files for the server")
    sys.exit(_main())
