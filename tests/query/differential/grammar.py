"""
This module draws PromQL at random: each kind of node, over the series of the data set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.query.differential.comparison import Question
from tests.query.differential.dataset import LENGTH_S, START_S

from otel_confidence.query.promql.dates import CALENDAR
from otel_confidence.query.promql.functions import MATHEMATICS

NAMES = (
    "c_total", "c_total", "c_total", "g", "g", "odd", "odd", "level", "distinct", "one",
    "h_bucket", "moved", "single", "brief", "lone_total", "epoch", "n_bucket", "nothing",
)  # fmt: skip
WHOLE = ('{"my.metric"}', '{__name__=~"g|level",i="0"}', '{"my.metric", "label.é"="ü"}')
LABELS = ("i", "i", "j", "job", "le", "zone", "instance", "absent", '"label.é"')
MATCHERS = (
    'i="0"', 'i!="0"', 'i=~"[12]"', 'i!~"1|2"', 'j="a"', 'j!="b"', 'zone=""', 'i=~".*"',
    'i=~".+"', "i=~`\\d`", "i!~`[0-9]+\\.?`", "j!='a'", 'job=~"x|y|"', 'absent!="x"',
    'le=~"1|.*Inf|"', 'j=""', 'instance="p"',
)  # fmt: skip
WIDE = ("1m", "90s", "2m30s", "5m", "5m", "10m", "1h")
MADE = ("step()", "max(5m, step())", "min(step(), 1m)", "max(90s, min(10m, step()))")
"""Lengths made of the query's step, which is 0 at one time."""
NARROW = ("1ms", "1s", "14s", "15s", "15001ms", "30s")


@dataclass(frozen=True, slots=True)
class Edges:
    """
    Times and lengths at which windows begin and end with buckets of roll-ups.
    """

    after_s: tuple[int, ...]
    """When buckets end, in seconds after the first sample."""
    windows: tuple[str, ...]
    steps_s: tuple[int, ...]


FIVE_MINUTES = Edges(
    (400, 700, 1000, 1600, 2200, 2800), ("5m", "5m", "10m", "15m", "30m"), (300, 300, 600)
)
HOUR = Edges((2800, 2800, 6400), ("1h", "1h", "2h"), (3600,))
DAY = Edges((35_200,), ("1d", "1d", "2d"), (86_400,))
KEPT = ("c_total", "c_total", "c_total", "g", "odd", "level", "level", "distinct", "one",
        "h_bucket", "h_bucket", "moved", "lone_total", "epoch", "n_bucket")  # fmt: skip
"""Names of the series that are there most of the time."""
NUMBERS = ("0", "1", "2", "-1", "0.5", "3", "10", "1e3", "NaN", "Inf", "-Inf", "1.5", "-0.1")
SHARES = ("0", "0.5", "0.9", "0.25", "1", "-1", "2", "NaN", "0.999")
PLAIN = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
RANGED = (
    "rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets",
    "avg_over_time", "sum_over_time", "min_over_time", "max_over_time", "count_over_time",
    "stddev_over_time", "stdvar_over_time", "last_over_time", "present_over_time",
    "absent_over_time",
)  # fmt: skip
FOLDED = (
    "rate", "rate", "increase", "increase", "delta", "changes", "resets", "avg_over_time",
    "sum_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time",
    "present_over_time",
)  # fmt: skip
"""Functions that can be made of roll-ups."""
STEEP = ("cosh", "exp", "sin", "sinh", "cos", "tan", "ln", "log2", "log10")
"""Functions that magnify the last bit of large arguments; they get small ones."""
SMOOTH = sorted(set(MATHEMATICS) - set(STEEP))
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
PATTERNS = ('"(.*)"', "`([0-1]|\\w{2,})`", '"(?P<n>.)(.*)"', "''", '"x(.*)"', "`.+`", '"(a)?.*"')
TEMPLATES = ("$1", "a$1b", "${1}b", "$n", "", "$$", "x", "$9", "$1$2", "${n}-", "$-")


class Grammar:
    """
    Draws expressions with the random numbers given.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._edges: Edges | None = None
        """On what all that is drawn now falls."""

    def _one(self, of: Sequence[str]) -> str:
        return self._random.choice(of)

    def _once_in(self, times: int) -> bool:
        return self._random.randrange(times) == 0

    def question(self) -> Question:
        """
        An expression, at one time or over a range, often at the very edge of samples or buckets.
        """
        widths = [None] * 6 + [FIVE_MINUTES] * 4 + [HOUR, DAY]
        self._edges = self._random.choice(widths)
        return self._on(self._edges) if self._edges else self._anywhere()

    def _on(self, edges: Edges) -> Question:
        depth = self._random.choice([0, 1, 1, 2])
        expr = self.ranged(0) if depth == 0 else self.vector(depth)
        start = START_S + self._random.choice(edges.after_s)
        if self._once_in(3):
            return Question(expr, start, start, 1)
        step = self._random.choice(edges.steps_s)
        return Question(expr, start, start + step * self._random.choice([1, 4, 10]), step)

    def _anywhere(self) -> Question:
        depth = self._random.choice([0, 1, 1, 2, 2, 2, 3])
        expr = self.scalar(depth) if self._once_in(20) else self.vector(depth)
        start = START_S + self._random.choice([600, 599.5, 900, 1500, 1500.25, 2100, 2985])
        if self._once_in(8):
            start = START_S + self._random.choice([-60, 0, 14.999, 15, LENGTH_S, LENGTH_S + 295])
        if self._once_in(3):
            expr = self.range(depth) if self._once_in(10) else expr
            return Question(expr, start, start, 1)
        step = self._random.choice([15, 60, 7.001, 300, 37])
        return Question(expr, start, start + self._random.choice([1, 60, 600, 2000]), step)

    def vector(self, depth: int) -> str:
        """
        An instant vector, nested so deep at most.
        """
        if depth <= 0:
            return self.selector() + self.modifiers()
        kinds: list[Callable[[int], str]] = [
            self.vector, self.aggregation, self.aggregation, self.binary, self.binary, self.call,
            self.call, self.ranged, self.ranged, *[self.ranged] * (4 if self._edges else 0),
        ]  # fmt: skip
        return self._random.choice(kinds)(depth - 1)

    def selector(self) -> str:
        """
        An instant selector without modifiers.
        """
        if self._once_in(25):
            return self._one(WHOLE)
        count = self._random.choice([0, 0, 0, 1] if self._edges else [0, 0, 0, 1, 1, 2])
        matchers = ",".join(self._random.sample(MATCHERS, count))
        name = self._one(KEPT if self._edges else NAMES)
        return f"{name}{{{matchers}}}" if matchers else name

    def modifiers(self) -> str:
        """
        Mostly nothing, else an offset, an ``@``, or both.
        """
        if self._edges:
            return self._one([*[""] * 12, " offset 5m", " offset -10m", " offset 1h", " @ end()"])
        moment = START_S + self._random.choice([15, 600, 1000.5, 2999])
        offset = f" offset {self._one(['', '-'])}{self._one(WIDE + NARROW + MADE)}"
        at = f" @ {self._one([str(moment), 'start()', 'end()'])}"
        return self._one([*[""] * 12, offset, at, at + offset])

    def range(self, depth: int) -> str:
        """
        A range selector or a subquery.
        """
        if self._random.randrange(8 if self._edges else 4):
            plain = self._random.choice([NARROW, MADE]) if self._once_in(4) else WIDE
            duration = self._one(self._edges.windows if self._edges else plain)
            return f"{self.selector()}[{duration}]{self.modifiers()}"
        step = self._one(["", "7s", "15s", "1m", "100s", "5m", "max(15s, step())"])
        long = self._one(["1m", "5m", "10m", "max(5m, step())"])
        return f"({self.vector(depth)})[{long}:{step}]{self.modifiers()}"

    def grouping(self) -> str:
        """
        Nothing, ``by`` or ``without`` some labels.
        """
        labels = ", ".join(dict.fromkeys(self._random.choices(LABELS, k=self._random.randrange(3))))
        return self._one(["", f" by ({labels})", f" without ({labels})"])

    def aggregation(self, depth: int) -> str:
        """
        An aggregation; k of ``topk`` counts only series whose values differ.
        """
        by, kind = self.grouping(), self._random.randrange(10)
        if kind == 0:
            share = self.scalar(0) if self._once_in(4) else self._one(SHARES)
            return f"quantile{by} ({share}, {self.vector(depth)})"
        if kind == 1:
            return f'count_values{by} ("{self._one(["v", "i"])}", {self.selector()})'
        if kind in (2, 3):
            name, k = self._one(["topk", "bottomk"]), self._one(["1", "2", "3", "10", "0", "1.9"])
            of = self._one(["distinct", "-distinct", 'distinct{i!="0"} * 3', "g", "distinct ^ 2"])
            return f"{name}{by} ({k}, {of})"
        return f"{self._one(PLAIN)}{by} ({self.vector(depth)})"

    def _matching(self, *, sets: bool) -> str:
        if self._once_in(2):
            return ""
        chosen = list(dict.fromkeys(self._random.choices(LABELS, k=self._random.randrange(3))))
        text = f" {self._one(['on', 'ignoring'])} ({', '.join(chosen)})"
        if sets or self._once_in(2):
            return text
        taken = ", ".join({self._one(LABELS)} - set(chosen)) if self._once_in(2) else ""
        return f"{text} {self._one(['group_left', 'group_right'])} ({taken})"

    def binary(self, depth: int) -> str:
        """
        A binary operator with at least one vector.
        """
        left, kind = self.vector(depth), self._random.randrange(6)
        right = left if self._once_in(4) else self.vector(depth)
        if kind == 0:
            return (
                f"({left} {self._one(['and', 'or', 'unless'])}{self._matching(sets=True)} {right})"
            )
        sign = self._one(ARITHMETIC)
        if self._once_in(2):
            sign = self._one(COMPARISONS) + self._one(["", " bool"])
        if kind in (1, 2):
            number = self.scalar(depth - 1)
            return f"({left} {sign} {number})" if kind == 1 else f"({number} {sign} {left})"
        return f"({left} {sign}{self._matching(sets=False)} {right})"

    def call(self, depth: int) -> str:
        """
        A function that gives a vector.
        """
        inner, number = self.vector(depth), self.scalar(depth - 1)
        source = self._one(["i", "le", "none"])
        rates = self._one(["h_bucket", "rate(h_bucket[5m])", "n_bucket", inner])
        calls = [
            f"histogram_quantile({self._one(SHARES)}, {rates})",
            f"histogram_fraction({number}, {self.scalar(0)}, {rates})",
            self._label_replace(inner, source),
            f'label_join({inner}, "{self._one(["i", "new"])}", "-", "i", "{source}")',
            f"clamp({inner}, {number}, {self.scalar(0)})",
            f"clamp_min({inner}, {number})",
            f"clamp_max({inner}, {number})",
            f"round({inner}, {number})",
            f"absent({inner})",
            f"timestamp({inner})",
            f"{self._one(sorted(CALENDAR))}({self._one([inner, 'epoch', ''])})",
            f"sort({inner})",
            f"vector({number})",
            f"-{inner}",
        ]
        plain = f"{self._one(SMOOTH)}({inner})"
        if self._once_in(3):
            plain = f"{self._one(STEEP)}({self.selector()} % 3)"
        return self._one([*calls, plain, plain, plain])

    def _label_replace(self, inner: str, source: str) -> str:
        target = self._one(["i", "new", "__name__"])
        template, pattern = self._one(TEMPLATES), self._one(PATTERNS)
        return f'label_replace({inner}, "{target}", "{template}", "{source}", {pattern})'

    def ranged(self, depth: int) -> str:
        """
        A function of a range.
        """
        window, kind = self.range(depth), self._random.randrange(12)
        if kind == 0:
            return f"quantile_over_time({self._one(SHARES)}, {window})"
        if kind == 1:
            return f"predict_linear({window}, {self.scalar(0)})"
        return f"{self._one(FOLDED if self._edges else RANGED)}({window})"

    def scalar(self, depth: int) -> str:
        """
        A scalar.
        """
        one, two = self._one(NUMBERS), self._one(NUMBERS)
        sign = self._one([*ARITHMETIC, *(f"{each} bool" for each in COMPARISONS)])
        of = self._one(["sum(c_total)", "single", "g", self.vector(depth)])
        made = [f"scalar({of})", "time()", f"({one} {sign} {two})", "pi()", f"-{one}"]
        return self._one([*made, *[one] * 8])
