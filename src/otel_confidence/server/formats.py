"""
This module writes numbers and times the way a reader of the pages wants them.
"""

import math
from datetime import datetime, timezone
from urllib.parse import quote, urlencode

from otel_confidence.conventions import LATENCY_EDGES

_LONGEST_TEXT = 120
_NOW_S = 10
NOTHING = "\N{EN DASH}"
"""What stands where there is no value."""


def percent(share: float) -> str:
    """
    A share as a percentage with one decimal.
    """
    if math.isnan(share):
        return NOTHING
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")


def points(difference: float) -> str:
    """
    A difference of two shares in percentage points, always signed.
    """
    if math.isnan(difference):
        return NOTHING
    return f"{100 * difference:+.1f}\N{NO-BREAK SPACE}pp".replace("-", "\N{MINUS SIGN}")


def score(value: float) -> str:
    """
    A score such as ECE or Brier, three decimals.
    """
    return NOTHING if math.isnan(value) else f"{value:.3f}"


def count(value: float) -> str:
    """
    A count with separated thousands; an estimated one is rounded.
    """
    return NOTHING if math.isnan(value) else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """
    A duration in the unit that reads best, three digits.
    """
    if math.isnan(seconds):
        return NOTHING
    for size, unit in ((3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g}\N{NO-BREAK SPACE}{unit}"
    return f"{seconds * 1e6:.3g}\N{NO-BREAK SPACE}µs"


def latency(seconds: float) -> str:
    """
    A quantile of latencies: in the lowest bucket there is nothing to tell values apart.
    """
    lowest = LATENCY_EDGES[0]
    return f"< {duration(lowest)}" if seconds < lowest else duration(seconds)


def number(value: float) -> str:
    """
    Any number, four digits.
    """
    return NOTHING if math.isnan(value) else f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def span(seconds: float) -> str:
    """
    A length of time in its largest unit up to days; infinite is never, none is now.
    """
    if math.isinf(seconds):
        return "never"
    days = seconds / 86_400
    if days >= 2:  # noqa: PLR2004  below, hours say more
        whole = f"{days:,.0f}" if days >= 1000 else f"{days:.3g}"  # noqa: PLR2004  no power of ten
        return f"{whole}\N{NO-BREAK SPACE}d"
    return duration(seconds) if seconds else "now"


def ago(epoch_s: float, *, now: float) -> str:
    """
    How long ago a time was, in whole units; a few seconds are now.
    """
    if math.isnan(epoch_s):
        return NOTHING
    passed = max(now - epoch_s, 0)
    if passed < _NOW_S:
        return "now"
    for size, unit, until in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172_800)):
        if passed < until:
            return f"{passed // size:.0f}\N{NO-BREAK SPACE}{unit} ago"
    return f"{passed // 86_400:.0f}\N{NO-BREAK SPACE}d ago"


def shortened(text: str) -> str:
    """
    Foreign text cut to a length that a page can bear.
    """
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def moment(epoch_s: float) -> str:
    """
    A time in UTC to the second, as RFC 3339.
    """
    return datetime.fromtimestamp(epoch_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(epoch_s: float) -> str:
    """
    The time of day in UTC to the second.
    """
    return datetime.fromtimestamp(epoch_s, timezone.utc).strftime("%H:%M:%S")


def fits_path(model: str) -> bool:
    """
    Whether a model's name can stand in a path: browsers resolve dots, routes end at a line break.
    """
    return model not in {"", ".", ".."} and "\n" not in model


def model_url(model: str, prefix: str = "", suffix: str = "", **query: str) -> str:
    """
    The address of a model's page, whatever its name.

    A name that does not fit into a path goes into the query.
    """
    path = quote(model, safe="") if fits_path(model) else ""
    if not path:
        query = {"name": model, **query}
    asked = urlencode({key: value for key, value in query.items() if value})
    return f"{prefix}/models/{path}{suffix}" + (f"?{asked}" if asked else "")


def slo_url(slo_id: str, window: str, suffix: str = "") -> str:
    """
    The address of the page of objectives with one of them chosen.
    """
    asked = {"slo": slo_id, "window": window}
    return f"/slos{suffix}?{urlencode({key: value for key, value in asked.items() if value})}"


def sparkline(values: list[float], *, width: int = 96, height: int = 24) -> str:
    """
    The points of an SVG polyline; missing values lie on the ground.
    """
    filled = [0.0 if math.isnan(value) else value for value in values]
    top = max(filled, default=0.0) or 1.0
    across = width / max(len(filled) - 1, 1)
    return " ".join(
        f"{i * across:.1f},{height - 1 - (height - 2) * value / top:.1f}"
        for i, value in enumerate(filled)
    )
