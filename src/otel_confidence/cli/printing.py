"""
This module prints answers to queries: as a table, CSV, JSON or a plot.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.table import Table

from otel_confidence.cli import notation
from otel_confidence.points import Selection
from otel_confidence.query.answers import Answer
from otel_confidence.query.numbers import json_number

Printing = Callable[[Answer, Console], None]
_TIME, _VALUE = "time", "value"


def table(answer: Answer, console: Console) -> None:
    """
    A row for each sample, the series in PromQL's notation.
    """
    if answer.kind == "string":
        console.print(answer.text)
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("series", overflow="fold")
    made.add_column(_TIME, no_wrap=True)
    made.add_column(_VALUE, justify="right", no_wrap=True)
    for each in answer.series:
        name = answer.kind if answer.kind == "scalar" else notation.series(each.labels)
        for time_ms, value in _samples(each):
            made.add_row(name, notation.moment(time_ms), json_number(value))
    console.print(made)


def comma_separated(answer: Answer, console: Console) -> None:
    """
    CSV: time, value and then a column for each label; a terminal sees no text that it would obey.
    """
    told = notation.shown if console.is_terminal else str
    names = sorted({name for each in answer.series for name, _ in each.labels})
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    if answer.kind == "string":
        lines.writerows([["text"], [told(answer.text)]])
    else:
        lines.writerow([_TIME, _VALUE, *(told(_column(name)) for name in names)])
    for each in answer.series:
        labels = dict(each.labels)
        texts = [told(labels.get(name, "")) for name in names]
        for time_ms, value in _samples(each):
            lines.writerow([notation.moment(time_ms), json_number(value), *texts])
    console.file.write(written.getvalue())


def as_json(answer: Answer, console: Console) -> None:
    """
    What the Prometheus HTTP API has under ``data``.
    """
    from otel_confidence.server.api.replies import result  # the whole server, for this form alone

    console.file.write(f"{result(answer).data}\n")


def plotted(answer: Answer, console: Console) -> None:
    """
    A drawing over time.
    """
    from otel_confidence.cli.plotting import plot  # its library, for this form alone

    plot(answer, console)


FORMATS: Final[Mapping[str, Printing]] = {
    "table": table, "csv": comma_separated, "json": as_json, "plot": plotted,
}  # fmt: skip


def _column(label: str) -> str:
    return f"label.{label}" if label in (_TIME, _VALUE) else label


def _samples(series: Selection) -> Iterator[tuple[int, float]]:
    return zip(series.times_ms.tolist(), series.values.tolist(), strict=True)
