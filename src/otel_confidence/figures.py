"""
This module draws query results as Plotly figures, one function each.

Pages, notebooks and reports share them. A figure takes its colors from a :class:`Palette`; with
``CSS`` they are CSS variables, which the page resolves to its own light or dark colors.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from otel_confidence.points import Span
from otel_confidence.query.budgets import Burning
from otel_confidence.query.reports import ConfidenceOverTime, Latency, Traffic, Truth
from otel_confidence.stats.calibration import Bins

Values = NDArray[np.float64]

_HEIGHT: Final = 290
_TALL: Final = 360
_ROW: Final = 26
_DEEPEST: Final = 8
_LONGEST_TEXT: Final = 48
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


@dataclass(frozen=True, slots=True)
class Palette:
    """
    The colors of a figure by what they mean.
    """

    ink: str
    muted: str
    grid: str
    surface: str
    confidence: str
    accuracy: str
    gap: str
    error: str
    faint: str
    """The lightest of three grades of ``confidence``; ``middle`` lies between."""
    middle: str
    heat_0: str
    """No predictions; ``heat_4`` is all of them."""
    heat_1: str
    heat_2: str
    heat_3: str
    heat_4: str

    @property
    def heat(self) -> list[tuple[float, str]]:
        """
        A color scale, finer at its lower end.
        """
        colors = (self.heat_0, self.heat_1, self.heat_2, self.heat_3, self.heat_4)
        return list(zip((0.0, 0.02, 0.2, 0.5, 1.0), colors, strict=True))

    def css(self) -> str:
        """
        CSS declarations of these colors, one variable each.
        """
        return "".join(f"{_variable(f.name)}:{getattr(self, f.name)};" for f in fields(self))


def _variable(name: str) -> str:
    return f"--{name.replace('_', '-')}"


LIGHT: Final = Palette(
    ink="#1b2330", muted="#586274", grid="#e3e7ee", surface="#ffffff", confidence="#1d5fd1",
    accuracy="#c2570c", gap="rgba(194, 87, 12, 0.16)", error="#c0262d", faint="#6a92dd",
    middle="#4a80de", heat_0="#f4f6fa", heat_1="#d6e4fb", heat_2="#8db5f2", heat_3="#3b78dc",
    heat_4="#123c8c",
)  # fmt: skip
"""Colors on white; text and lines reach a contrast of 4.5 and 3 (WCAG 2.2)."""
DARK: Final = Palette(
    ink="#e7ebf2", muted="#9ba6b7", grid="#2a3341", surface="#161c26", confidence="#6ea3ff",
    accuracy="#f2a15f", gap="rgba(242, 161, 95, 0.18)", error="#ff7a75", faint="#5a7cb8",
    middle="#6590dc", heat_0="#1b222d", heat_1="#213553", heat_2="#2f5694", heat_3="#5a90ea",
    heat_4="#cfe0ff",
)  # fmt: skip
"""The same on near-black."""
CSS: Final = Palette(**{f.name: f"var({_variable(f.name)})" for f in fields(Palette)})
"""The same as CSS variables, for a page that resolves them before it draws."""


def confidence_heatmap(found: ConfidenceOverTime, palette: Palette = LIGHT) -> go.Figure:
    """
    The share of predictions in each confidence bucket over time.

    Rows are equally high although buckets are not equally wide: most predictions lie in the narrow
    ones near 1.
    """
    totals = np.nansum(found.counts, axis=0) if len(found.edges) else np.zeros(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = found.counts / totals
    lower = (0.0, *found.edges[:-1])
    buckets = [f"{low:g} to {high:g}" for low, high in zip(lower, found.edges, strict=True)]
    heatmap = go.Heatmap(
        x=_times(found.times_s), y=list(range(len(buckets))), z=shares, zmin=0, zmax=1,
        text=[[bucket] * len(found.times_s) for bucket in buckets], colorscale=palette.heat,
        colorbar=_color_bar(palette),
        hovertemplate="%{x|%H:%M:%S}<br>confidence %{text}<br>"
        "%{z:.1%} of predictions<extra></extra>",
    )  # fmt: skip
    figure = _over_time(palette, found.times_s, y_title="Confidence", height=_TALL)
    figure.add_trace(heatmap)
    figure.update_yaxes(
        tickvals=[i - 0.5 for i in range(len(buckets) + 1)],
        ticktext=[f"{edge:g}" for edge in (0.0, *found.edges)],
        range=[-0.5, len(buckets) - 0.5], showgrid=False, zeroline=False,
    )  # fmt: skip
    # Beside a color bar Plotly does not make room for the date below the time by itself.
    figure.update_xaxes(showgrid=False, title_standoff=24)
    return figure


def truth_lines(found: Truth, palette: Palette = LIGHT) -> go.Figure:
    """
    Mean confidence beside accuracy; the area between them is over- or underconfidence.
    """
    figure = _over_time(palette, found.times_s, y_title="Share of predictions")
    x = _times(found.times_s)
    figure.add_trace(_line(x, found.accuracy, "Accuracy", palette.accuracy))
    figure.add_trace(_line(x, found.confidence, "Mean confidence", palette.confidence))
    for name, trace in zip(("accuracy", "mean confidence"), figure.data, strict=True):
        trace.hovertemplate = f"{name} %{{y:.1%}}<extra></extra>"
    figure.data[0].line.dash = "dash"
    figure.add_trace(_between(x, found.accuracy, found.confidence, palette.gap))
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure


def latency_lines(found: Latency, palette: Palette = LIGHT) -> go.Figure:
    """
    The 50th, 95th and 99th percentile of the time one call takes, milliseconds.
    """
    figure = _over_time(palette, found.times_s, y_title="Time for one call (ms)")
    x = _times(found.times_s)
    curves = (
        ("p99", found.p99_s, palette.faint, "dot"),
        ("p95", found.p95_s, palette.middle, "dash"),
        ("p50", found.p50_s, palette.confidence, "solid"),
    )
    for name, seconds, color, dash in curves:
        trace = _line(x, seconds * 1000, name, color)
        trace.line.dash = dash
        trace.hovertemplate = f"{name} %{{y:.3~r}} ms<extra></extra>"
        figure.add_trace(trace)
    figure.update_yaxes(rangemode="tozero")
    return figure


def traffic_lines(found: Traffic, palette: Palette = LIGHT) -> go.Figure:
    """
    Predictions and failed calls per second.
    """
    figure = _over_time(palette, found.times_s, y_title="Per second (1/s)")
    x = _times(found.times_s)
    curves = (
        ("Predictions", found.predictions, palette.confidence),
        ("Failed calls", found.errors, palette.error),
    )
    for name, values, color in curves:
        trace = _line(x, values, name, color)
        trace.hovertemplate = f"{name.lower()} %{{y:.3~r}}/s<extra></extra>"
        figure.add_trace(trace)
    figure.data[1].line.dash = "dash"
    figure.update_yaxes(rangemode="tozero")
    return figure


def budget_lines(found: Burning, palette: Palette = LIGHT) -> go.Figure:
    """
    The share of an error budget that is left; below zero the objective is missed.
    """
    figure = _over_time(palette, found.times_s, y_title="Budget left")
    left = _line(_times(found.times_s), found.remaining, "Budget left", palette.confidence)
    left.hovertemplate = "%{y:.1%} left<extra></extra>"
    figure.add_trace(left)
    known = found.remaining[np.isfinite(found.remaining)]
    figure.update_yaxes(range=[min(0.0, *known.tolist(), 0.0) * 1.05, 1.05], tickformat=".0%")
    return figure.add_hline(0, line={"color": palette.error, "width": 1, "dash": "dot"})


def burn_lines(found: Burning, palette: Palette = LIGHT) -> go.Figure:
    """
    How fast an error budget burns; at 1 it lasts for exactly its period.
    """
    figure = _over_time(palette, found.times_s, y_title="Burn rate")
    x = _times(found.times_s)
    curves = (
        ("Past 5 minutes", found.current_burn_rate, palette.faint, "dot"),
        ("Past hour", found.burn_rate, palette.confidence, "solid"),
    )
    for name, values, color, dash in curves:
        trace = _line(x, values, name, color)
        trace.line.dash = dash
        trace.hovertemplate = f"{name.lower()} %{{y:.3~r}}<extra></extra>"
        figure.add_trace(trace)
    figure.update_yaxes(rangemode="tozero")
    return figure.add_hline(1, line={"color": palette.muted, "width": 1, "dash": "dot"})


def reliability_diagram(found: Bins, palette: Palette = LIGHT) -> go.Figure:
    """
    Accuracy against mean confidence, bin by bin, beside the diagonal of perfect calibration.

    A bin's marker stands at its own mean confidence, not its middle; its area grows with how many
    predictions the bin holds. Bars are the gaps between accuracy and confidence.
    """
    held = found.predictions > 0
    n = found.predictions[held]
    confidence, accuracy = found.confidence[held] / n, found.correct[held] / n
    figure = _figure(palette, y_title="Accuracy", x_title="Mean confidence", height=_TALL)
    diagonal = _line([0, 1], np.array([0.0, 1.0]), "Perfect calibration", palette.muted)
    diagonal.update(line={"dash": "dot", "width": 1}, hoverinfo="skip")
    gaps = go.Bar(
        x=confidence, y=accuracy - confidence, base=confidence, width=0.035, name="Gap",
        marker={"color": palette.gap, "line": {"width": 0}}, hoverinfo="skip",
    )  # fmt: skip
    bins = go.Scatter(
        x=confidence, y=accuracy, name="Bins", mode="lines+markers", customdata=n,
        line={"color": palette.accuracy, "width": 1.5},
        marker={"size": 7 + 13 * np.sqrt(n / max(n.sum(), 1)), "color": palette.accuracy},
        cliponaxis=False,
        hovertemplate="confidence %{x:.1%}<br>accuracy %{y:.1%}<br>"
        "%{customdata:,.0f} predictions<extra></extra>",
    )  # fmt: skip
    figure.add_traces([diagonal, gaps, bins])
    # Room for half of the label of the whole.
    figure.update_layout(hovermode="closest", bargap=0, margin_r=24)
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", nticks=6)
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%", nticks=6)
    return figure


def waterfall(spans: Sequence[Span], palette: Palette = LIGHT) -> go.Figure:
    """
    A trace: one bar a span, children below their parents, milliseconds since the trace began.
    """
    rows = in_tree_order(spans)
    begin = min((span.start_ns for span in spans), default=0)
    figure = _figure(
        palette, y_title="", x_title="Since the trace began (ms)",
        height=120 + _ROW * max(len(rows), 1),
    )  # fmt: skip
    lengths = [(span.end_ns - span.start_ns) / 1e6 for span, _ in rows]
    bars = go.Bar(
        orientation="h", y=list(range(len(rows))), x=lengths, width=0.62,
        base=[(span.start_ns - begin) / 1e6 for span, _ in rows],
        marker={"color": [_span_color(span, palette) for span, _ in rows], "line": {"width": 0}},
        text=[f"{milliseconds:.3g} ms" for milliseconds in lengths], textposition="auto",
        customdata=[plain(span.status_message or span.status) for span, _ in rows],
        hovertext=[plain(span.name) for span, _ in rows],
        hovertemplate="%{hovertext}<br>%{text}<br>%{customdata}<extra></extra>",
    )  # fmt: skip
    figure.add_trace(bars)
    figure.update_layout(showlegend=False, hovermode="closest")
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(
        tickvals=list(range(len(rows))), showgrid=False, zeroline=False,
        ticktext=["\u203a " * min(depth, _DEEPEST) + plain(span.name) for span, depth in rows],
        range=[len(rows) - 0.5, -0.5],
    )  # fmt: skip
    return figure


def in_tree_order(spans: Sequence[Span]) -> list[tuple[Span, int]]:
    """
    Spans with their depth, children after their parent in order of start.

    A span whose parent is not among them is a root; so is the first of a circle of parents.
    """
    by_start = sorted(spans, key=lambda span: (span.start_ns, -span.end_ns, span.span_id))
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in by_start:
        children.setdefault(span.parent_id, []).append(span)
    roots = [span for span in by_start if span.parent_id not in known]
    placed: dict[int, tuple[Span, int]] = {}
    for root in [*roots, *by_start]:
        waiting = [(root, 0)]
        while waiting:
            span, depth = waiting.pop()
            if id(span) not in placed:
                placed[id(span)] = (span, depth)
                below = children.get(span.span_id, ())
                waiting += [(child, depth + 1) for child in reversed(below)]
    return list(placed.values())


def plain(text: str) -> str:
    """
    Foreign text as Plotly shows it unchanged: shortened, its markup escaped.
    """
    short = text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
    return html.escape(" ".join(short.split()))


def _span_color(span: Span, palette: Palette) -> str:
    return palette.error if "ERROR" in span.status.upper() else palette.confidence


def _figure(palette: Palette, *, y_title: str, x_title: str, height: int = _HEIGHT) -> go.Figure:
    title_font = {"color": palette.muted, "size": 12}
    axis = {
        "gridcolor": palette.grid, "linecolor": palette.grid, "zerolinecolor": palette.grid,
        "automargin": True, "fixedrange": True, "tickfont": {"color": palette.muted, "size": 12},
    }  # fmt: skip
    return go.Figure(
        layout=go.Layout(
            template="none", height=height, margin={"l": 8, "r": 8, "t": 36, "b": 8},
            paper_bgcolor=palette.surface, plot_bgcolor=palette.surface,
            font={"family": _FONT, "size": 13, "color": palette.ink},
            xaxis={**axis, "title": {"text": x_title, "standoff": 6, "font": title_font}},
            yaxis={**axis, "title": {"text": y_title, "standoff": 6, "font": title_font}},
            legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
            hovermode="x unified",
            hoverlabel={"bgcolor": palette.surface, "bordercolor": palette.grid,
                        "font": {"color": palette.ink}},
        )
    )  # fmt: skip


def _over_time(
    palette: Palette, times_s: Values, *, y_title: str, height: int = _HEIGHT
) -> go.Figure:
    figure = _figure(palette, y_title=y_title, x_title="Time (UTC)", height=height)
    # All figures show the same time, whenever their own values begin.
    return figure.update_xaxes(range=_times(times_s[[0, -1]]), tickangle=0, nticks=4)


def _line(x: Sequence[Any], y: Values, name: str, color: str) -> go.Scatter:
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": color, "width": 2})


def _between(x: Sequence[Any], low: Values, high: Values, color: str) -> go.Scatter:
    """
    The area between two curves, one polygon for each stretch in which both have values.
    """
    held = np.isfinite(low) & np.isfinite(high)
    breaks = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]])))
    around: list[Any] = []
    edge: list[float | None] = []
    for begin, end in breaks.reshape(-1, 2).tolist():
        there = x[begin:end]
        around += [*there, *reversed(there), None]
        edge += [*low[begin:end].tolist(), *high[begin:end][::-1].tolist(), None]
    return go.Scatter(
        x=around, y=edge, mode="lines", line={"width": 0}, fill="toself", fillcolor=color,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _color_bar(palette: Palette) -> dict[str, Any]:
    small = {"color": palette.muted, "size": 12}
    return {
        "title": {"text": "Share of predictions", "side": "top", "font": small},
        "orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom", "len": 0.5,
        "thickness": 8, "outlinewidth": 0, "nticks": 3, "tickformat": ".0%", "tickfont": small,
    }  # fmt: skip


def _times(epoch_s: Values) -> list[datetime]:
    # Plotly shows the clock time it is given and ignores zones: UTC, and the axis says so.
    return [datetime.fromtimestamp(time, timezone.utc).replace(tzinfo=None) for time in epoch_s]
