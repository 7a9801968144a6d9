"""
This module takes request bodies apart into records: JSON, JSON lines, CSV and Parquet.

What of a body is no record stands in its place as an ``Unusable``, and the others are kept.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from otel_confidence.errors import InvalidRecord
from otel_confidence.ingest import parquet
from otel_confidence.ingest.truth_records import MALFORMED
from otel_confidence.outcomes import Unusable

MAX_RECORDS: Final = 100_000
"""The most records that one request may bring."""
_COLUMNS: Final = 256
_NUMBERS: Final = frozenset({"value", "score", "time"})
_WHITE: Final = b" \t\r\n"


class TooMany(InvalidRecord):
    """
    A body with more records than one request may bring.
    """

    def __init__(self) -> None:
        super().__init__(f"more than {MAX_RECORDS:,} records; send them in several requests")


Splitting = Callable[[bytes], list[Any]]
"""
Takes a body apart.

Raises ``InvalidRecord`` where nothing of it can be read.
"""


def splitting(content_type: str) -> Splitting | None:
    """
    How a body of a content type is taken apart; None for other types.
    """
    return _TYPES.get(content_type.partition(";")[0].strip().lower())


def from_json(body: bytes) -> list[Any]:
    """
    One object, or an array of objects.
    """
    found = _parsed(body)
    records = found if isinstance(found, list) else [found]
    if not isinstance(found, (list, dict)):
        raise InvalidRecord("the body must be a JSON object or an array of objects")
    return _bounded(records)


def from_lines(body: bytes) -> list[Any]:
    """
    One object on each line; empty lines are left out.
    """
    lines = [line for line in body.split(b"\n") if line.strip(_WHITE)]
    return [_line(line) for line in _bounded(lines)]


def from_csv(body: bytes) -> list[Any]:
    """
    A table whose first row names the columns.
    """
    rows = csv.reader(io.StringIO(_decoded(body), newline=""), strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise InvalidRecord(f"the first row names no columns: {error}") from None
    if "receipt" not in names:
        raise InvalidRecord("the first row must name the columns, receipt among them")
    if len(names) > _COLUMNS:
        raise InvalidRecord(f"more than {_COLUMNS} columns")
    records: list[Any] = []
    for record in _rows(rows, names):
        records.append(record)
        _bounded(records)
    return records


def from_parquet(body: bytes) -> list[Any]:
    """
    A Parquet file.
    """
    return parquet.records(body, max_records=MAX_RECORDS, too_many=TooMany)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"the body is no JSON: {error}"[:200]) from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _line(line: bytes) -> Any:
    try:
        return _parsed(line)
    except InvalidRecord as error:
        return Unusable(MALFORMED, str(error).replace("the body", "the line"))


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"the body is no UTF-8: {error}") from None


def _rows(rows: Iterator[list[str]], names: list[str]) -> Iterator[Any]:
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Unusable(MALFORMED, f"the row cannot be read: {error}")
            continue
        if len(cells) == len(names):
            yield _typed(dict(zip(names, cells, strict=True)))
        elif cells:
            yield Unusable(MALFORMED, f"the row has {len(cells)} cells, the first {len(names)}")


def _typed(cells: dict[str, str]) -> Mapping[str, Any]:
    """
    The cells of a row, numbers as numbers where they can be.
    """
    record: dict[str, Any] = dict(cells)
    for name in _NUMBERS & cells.keys():
        try:
            record[name] = float(cells[name]) if cells[name] else None
        except ValueError:  # noqa: PERF203  a text where a number should be is refused by name
            continue
    return record


def _bounded(records: list[Any]) -> list[Any]:
    if len(records) > MAX_RECORDS:
        raise TooMany
    return records


_TYPES: Final[Mapping[str, Splitting]] = {
    "application/json": from_json,
    "application/x-ndjson": from_lines,
    "application/jsonl": from_lines,
    "text/csv": from_csv,
    "application/vnd.apache.parquet": from_parquet,
}
TYPES: Final = tuple(_TYPES)
"""The content types that are understood."""
