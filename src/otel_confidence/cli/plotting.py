"""
This module draws series over time in the terminal.
"""

from datetime import datetime, timezone
from typing import Any, Final

import numpy as np
import plotille
from rich.console import Console
from rich.text import Text

from otel_confidence.cli import notation
from otel_confidence.points import Selection
from otel_confidence.query.answers import Answer

MOST_SERIES: Final = 12
_COLORS: Final = ("cyan", "yellow", "magenta", "green", "red", "blue", "white")
_MARKS: Final = "abcdefghijkl"
_AXIS_WIDTH: Final = 24
_NARROWEST, _WIDEST = 20, 160
_LOWEST, _HIGHEST = 8, 24
_MARGIN: Final = 0.1
_TICK_WIDTH: Final = 10
_DAY_S: Final = 86_400


def plot(answer: Answer, console: Console) -> None:
    """
    Draw the series, at most twelve of them, above a list of what they are.
    """
    drawable = [each for each in answer.series if np.isfinite(each.values).any()]
    shown = drawable[:MOST_SERIES]
    if shown:
        colored = console.color_system is not None
        drawing = _figure(shown, console, colored=colored).show()
        console.print(Text.from_ansi(drawing) if colored else Text(drawing), no_wrap=True)
    for position, each in enumerate(shown):
        name = notation.series(each.labels)
        mark = _MARKS[position] if len(shown) > 1 else ""
        console.print(Text("  ").append(mark, style=_color(position)).append(f" {name}"))
    if left := len(answer.series) - len(shown):
        console.print(f"  {left} series more are not drawn")


def _figure(series: list[Selection], console: Console, *, colored: bool) -> Any:
    figure = plotille.Figure()
    figure.width = min(max(console.width - _AXIS_WIDTH, _NARROWEST), _WIDEST)
    figure.height = min(max(console.height - len(series) - 8, _LOWEST), _HIGHEST)
    figure.color_mode = "names"
    figure.with_colors = colored
    figure.x_label, figure.y_label = "UTC", "value"
    figure.origin = False
    first = min(int(each.times_ms[0]) for each in series) / 1000
    last = max(int(each.times_ms[-1]) for each in series) / 1000
    figure.set_x_limits(min_=first, max_=last if last > first else first + 1)
    pattern = "%m-%d %H:%M" if last - first > _DAY_S else "%H:%M:%S"
    figure.x_ticks_fkt = lambda low, _: _clock(low, pattern)
    low, high = _limits(series)
    figure.set_y_limits(min_=low, max_=high)
    figure.y_ticks_fkt = lambda value, _: f"{value:{_TICK_WIDTH}.5g}"
    for position, each in enumerate(series):
        finite = np.isfinite(each.values)
        times, values = each.times_ms[finite] / 1000, each.values[finite]
        mark = _MARKS[position] if len(series) > 1 else None
        color = _color(position) if colored else None
        figure.plot(times.tolist(), values.tolist(), lc=color, marker=mark)
    return figure


def _limits(series: list[Selection]) -> tuple[float, float]:
    """
    What is drawn, and a tenth more on both sides; zero is passed by values of both signs alone.
    """
    finite = [value for each in series for value in each.values[np.isfinite(each.values)]]
    least, most = float(min(finite)), float(max(finite))
    more = (most - least) * _MARGIN or abs(least) * _MARGIN or 1.0
    low, high = least - more, most + more
    return max(low, 0.0) if least >= 0 else low, min(high, 0.0) if most <= 0 < -least else high


def _clock(time_s: Any, pattern: str) -> str:
    return datetime.fromtimestamp(float(time_s), timezone.utc).strftime(pattern)


def _color(position: int) -> str:
    return _COLORS[position % len(_COLORS)]
