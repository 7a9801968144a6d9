"""
This module tests what the figures show: values, axes with units, colors, and foreign text escaped.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from otel_confidence import figures
from otel_confidence.points import Span
from otel_confidence.query.reports import ConfidenceOverTime, Latency, Traffic, Truth
from otel_confidence.stats.calibration import Bins

NAN = float("nan")
TIMES = np.array([0.0, 60.0, 120.0])
HOSTILE = "<script>alert(1)</script><b>&amp;"


def floats(*values: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """
    An array of these numbers.
    """
    return np.array(values, dtype=np.float64)


def span(span_id: str, parent_id: str = "", *, start_ms: float = 0, length_ms: float = 10,
         name: str = "", status: str = "UNSET") -> Span:  # fmt: skip
    """
    A span of one trace.
    """
    start_ns = 10**18 + round(start_ms * 1e6)
    return Span(
        "t", span_id, parent_id, name or span_id, "INTERNAL", start_ns,
        start_ns + round(length_ms * 1e6), status, "", {}, {},
    )  # fmt: skip


def calibration() -> Bins:
    """
    Two bins with predictions and an empty one.
    """
    return Bins(
        edges=(0.5, 0.9, 1.0),
        predictions=floats(10, 0, 30),
        confidence=floats(4, 0, 28.5),
        correct=floats(4, 0, 18),
        squared_error=floats(2, 0, 9),
    )


def every_figure(palette: figures.Palette) -> Iterator[go.Figure]:
    """
    Each figure once.
    """
    yield figures.confidence_heatmap(
        ConfidenceOverTime(TIMES, (0.5, 1.0), np.array([[1.0, 0, NAN], [3, 0, NAN]])), palette
    )
    yield figures.truth_lines(Truth(TIMES, floats(0.9, NAN, 0.8), floats(0.6, NAN, 0.8)), palette)
    yield figures.latency_lines(Latency(TIMES, *(floats(1, 2, 3) / 1000,) * 3), palette)
    yield figures.traffic_lines(Traffic(TIMES, floats(1, 2, 3), floats(0, 0, 1)), palette)
    yield figures.reliability_diagram(calibration(), palette)
    yield figures.waterfall([span("a", status="ERROR"), span("b", "a")], palette)


def texts(value: Any) -> Iterator[str]:
    """
    Every text anywhere within a figure's JSON.
    """
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from texts(inner)
    for inner in value if isinstance(value, list | tuple) else ():
        yield from texts(inner)


def test_heatmap_shows_shares_of_each_time() -> None:
    """
    Every column of the heatmap adds up to one; a time without predictions stays empty.
    """
    counts = np.array([[1.0, 0, NAN], [3, 0, NAN]])

    heatmap = figures.confidence_heatmap(ConfidenceOverTime(TIMES, (0.5, 1.0), counts)).data[0]

    np.testing.assert_allclose(heatmap.z, [[0.25, NAN, NAN], [0.75, NAN, NAN]])
    assert "0 to 0.5" == heatmap.text[0][0]


def test_heatmap_labels_the_borders_of_its_rows() -> None:
    """
    The axis names each bucket's edges where its row begins and ends.
    """
    found = ConfidenceOverTime(TIMES, (0.5, 0.99, 1.0), np.ones((3, 3)))

    axis = figures.confidence_heatmap(found).layout.yaxis

    assert (-0.5, 0.5, 1.5, 2.5) == axis.tickvals
    assert ("0", "0.5", "0.99", "1") == axis.ticktext


def test_the_gap_is_filled_only_where_both_curves_are() -> None:
    """
    The area between confidence and accuracy is a closed polygon for each stretch with values.
    """
    found = Truth(np.arange(5.0), floats(0.9, 0.8, NAN, 0.7, 0.7), floats(0.5, 0.6, NAN, 0.7, NAN))

    area = figures.truth_lines(found).data[2]

    assert "toself" == area.fill
    assert (0.5, 0.6, 0.8, 0.9, None, 0.7, 0.7, None) == area.y
    assert [0, 1, 1, 0, 3, 3] == [time.second for time in area.x if time]


def test_times_are_shown_in_utc() -> None:
    """
    Epoch seconds become UTC clock times, as the axis says.
    """
    figure = figures.traffic_lines(Traffic(TIMES, floats(1, 2, 3), floats(0, 0, 1)))

    assert "Time (UTC)" == figure.layout.xaxis.title.text
    assert "1970-01-01T00:01:00" == figure.data[0].x[1].isoformat()


def test_latency_is_shown_in_milliseconds() -> None:
    """
    Seconds become milliseconds, and the axis says so.
    """
    found = Latency(TIMES, floats(0.001, 0.001, 0.001), floats(0.1, 0.1, 0.1), floats(1, 1, 1))

    figure = figures.latency_lines(found)

    assert {"p50": 1.0, "p95": 100.0, "p99": 1000.0} == {t.name: t.y[0] for t in figure.data}
    assert "Time for one call (ms)" == figure.layout.yaxis.title.text


def test_reliability_places_bins_at_their_mean_confidence() -> None:
    """
    A bin stands at its mean confidence and accuracy; empty bins are left out.
    """
    figure = figures.reliability_diagram(calibration())

    gaps, bins = figure.data[1], figure.data[2]
    np.testing.assert_allclose(bins.x, [0.4, 0.95])
    np.testing.assert_allclose(bins.y, [0.4, 0.6])
    np.testing.assert_allclose(bins.customdata, [10, 30])
    np.testing.assert_allclose(gaps.y, [0, -0.35], atol=1e-12)


def test_waterfall_puts_children_below_their_parents() -> None:
    """
    Spans stand in the order of the tree, marked with their depth, by milliseconds since it began.
    """
    spans = [span("late", "root", start_ms=8), span("root"), span("inner", "early", start_ms=3),
             span("early", "root", start_ms=2, length_ms=4)]  # fmt: skip

    figure = figures.waterfall(spans)

    indented = ["root", "\u203a early", "\u203a \u203a inner", "\u203a late"]
    assert indented == list(figure.layout.yaxis.ticktext)
    np.testing.assert_allclose(figure.data[0].base, [0, 2, 3, 8])
    np.testing.assert_allclose(figure.data[0].x, [10, 4, 10, 10])


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([span("a", "lost")], [("a", 0)], id="a parent that is not there"),
        pytest.param(
            [span("a", "a"), span("b")], [("b", 0), ("a", 0)], id="a span that is its own parent"
        ),
        pytest.param(
            [span("a", "b"), span("b", "a"), span("c")],
            [("c", 0), ("a", 0), ("b", 1)],
            id="a circle",
        ),
        pytest.param([], [], id="no span"),
    ],
)
def test_broken_trees_of_spans_end(spans: list[Span], expected: list[tuple[str, int]]) -> None:
    """
    Broken parent links neither repeat a span nor go on forever.
    """
    found = [(each.span_id, depth) for each, depth in figures.in_tree_order(spans)]

    assert expected == found


def test_a_deep_trace_does_not_exhaust_the_stack() -> None:
    """
    Ten thousand nested spans are laid out.
    """
    spans = [span(str(n), str(n - 1) if n else "") for n in range(10_000)]

    assert 9_999 == figures.in_tree_order(spans)[-1][1]


def test_foreign_text_is_escaped_and_shortened() -> None:
    """
    Markup in a span's name is shown, never interpreted; ten kilobytes become a short text.
    """
    spans = [span("a", name=HOSTILE), span("b", name="x" * 10_000)]

    written = list(texts(figures.waterfall(spans).to_plotly_json()))

    assert not any("<script" in text or "<b>" in text for text in written)
    assert any("&lt;script&gt;alert(1)" in text for text in written)
    assert all(len(text) < 500 for text in written)


def test_axes_have_titles_with_units() -> None:
    """
    Every axis of every figure says what it shows, save the waterfall's names.
    """
    drawn = list(every_figure(figures.LIGHT))

    titles = [(f.layout.xaxis.title.text, f.layout.yaxis.title.text) for f in drawn]

    assert all(x and y for x, y in titles[:-1])
    assert ("Since the trace began (ms)", "") == titles[-1]


def test_css_figures_name_every_color_as_a_variable() -> None:
    """
    With the CSS palette no color stands in a figure itself, so light and dark both follow.
    """
    for figure in every_figure(figures.CSS):
        written = list(texts(figure.to_plotly_json()))

        assert not [text for text in written if re.match(r"#[0-9a-f]{3,8}$|rgba?\(", text)]


def test_palettes_declare_the_variables_that_figures_use() -> None:
    """
    Each variable a figure names is declared by the palettes' CSS.
    """
    used = {text for figure in every_figure(figures.CSS) for text in texts(figure.to_plotly_json())
            if text.startswith("var(")}  # fmt: skip

    for palette in (figures.LIGHT, figures.DARK):
        declared = {f"var({name})" for name in re.findall(r"(--[\w-]+):", palette.css())}

        assert used <= declared


def luminance(color: str) -> float:
    """
    Relative luminance of ``#rrggbb`` (WCAG 2.2).
    """
    channels = [byte / 255 for byte in base64.b16decode(color[1:].upper())]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [figures.LIGHT, figures.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        *((name, 4.5) for name in ("ink", "muted", "confidence", "accuracy", "error")),
        *((name, 3.0) for name in ("middle", "faint")),
    ],
)
def test_colors_stand_out_from_their_surface(
    palette: figures.Palette, name: str, contrast: float
) -> None:
    """
    Text reaches the contrast of 4.5 that WCAG 2.2 asks for, curves at least 3.
    """
    low, high = sorted(luminance(getattr(palette, each)) for each in (name, "surface"))

    assert (high + 0.05) / (low + 0.05) >= contrast


def test_curves_show_the_whole_time_asked_for() -> None:
    """
    The time axis spans the window even where a curve has no values.
    """
    found = Traffic(TIMES, floats(NAN, NAN, 3), floats(NAN, NAN, 0))

    begin, end = figures.traffic_lines(found).layout.xaxis.range

    assert ("00:00:00", "00:02:00") == (begin.strftime("%X"), end.strftime("%X"))
