"""
This module holds expressions that are hard to read, and wrong ones.

What Prometheus makes of them is asked of Prometheus itself.
"""

READABLE = (
    r"""c_total{i=~`\d+`} or c_total{i!~`[0-9]+\.?`}""",
    r"""{"my.metric", "label.é"=~`\p{L}`} or h_bucket{le=~'\\d+'}""",
    r"""label_replace(c_total, "new", "$1", "i", `(\d)(?:\n.*)?`)""",
    "label_replace(c_total, `a.b`, `\\t`, 'i', \"\\x30\\U00000030?\")",
    "count_values(`v\\n`, g)",
    "absent(nothing{a=`\\t`})",
    "c_total offset 1_0 + 1_000 * 0x1F - 017 ^ .5e1_0 % 0X_1f",
    "rate(c_total[300]) + sum_over_time(c_total[3_00:60] offset -+-90)",
    "c_total @ -1 or c_total @ 9999999999999 or c_total @ 5m or c_total @ 1.79e9",
    "g or g offset NaN",
    "1 + on() 2 * ON () GROUP_LEFT () SUM(c_total) oR -g ^ 2 ^ -1",
    "+g + (+g) - -+-g",
    "g or by or on_ or sum or topk or anchored or smoothed or end{a!=''} or start or step or Group",
    "sum by (by, ON, bool, \"label.é\",) (c_total{i!='9',}) unless on(i,) nothing",
    '"a\\\\\\"\\x41\\101\\u00e9\\U0001F600"',
    "'\\'\"`'",
    "`\\'\n\"`",
    " # a comment\n g # another\r+ 1",
    "quantile(scalar(sum(g)) > bool -Inf, g) atan2 iNf - NAN",
    "max_over_time((g or odd)[5m:1m] @ start() offset 1m) > bool on (i, j) group_right () odd",
    "histogram_quantile(0.9, rate(h_bucket[5m])) or histogram_quantile(2, n_bucket)",
    "quantile_over_time(-0.5, g[5m]) or quantile(NaN, g) or quantile_over_time(2, nothing[5m])",
    "rate(g[5m]) or increase((level)[5m:1m]) or rate({__name__=~'c_total|brief',j!='b'}[5m])",
    "rate(g[5m]) or rate(g[10m]) or quantile(2, g) or quantile(2, odd)",
    "quantile without (j) (-1, histogram_quantile(-1, rate(h_bucket[5m])))",
    "quantile(time() - 1790002500, g) or quantile(time(), odd)",
    " or ".join(["c_total"] * 250),
    " + ".join(["sum(g)"] * 210),
    '"\\xff"',
    'g{i="\\xff"} or g{"\\xff"=""} or g{i!~"\\xff"}',
)
"""Expressions that both answer."""

WRONG = (
    "", "   ", "# nothing", "g g", "(g) + cap)", "sum by (i) (g)) + 1", "(g", "((g)", "g)", "g}",
    "g offset 1m offset 2m", "g @ 1 @ 2", "{}", '{i=""}', '{i=~".*"}', 'g{i=~"x{1001}"}',
    '\n\n g{"é"="1", i=~"("}', "g offset Inf", "g offset 1e300", "g offset -1e300",
    "g offset 1e400", "g offset 9999999999999999999", "g offset 1e18", "sum_over_time(g[1e18])",
    "g[-1e300]",
    "g offset 300y", "g[99999999999999999999y]", "g offset 1m1h", "g offset 1q", "g offset 5m5m",
    "g offset", "g offset x", "g offset i", "(g) offset 5m", "sum(g) offset 5m", "1 offset 5m",
    "g[0]", "g[0:1m]", "g[5m:0]", "g[-5m]", "g[5m:-1s]", "g[]", "g[:]", "g[:5m]", "g[5m:5m:5m]",
    "g[5m", "g[5m:", "g]", "g[[5m]]", "g[a]", "(g)[5m]", "g[5m][5m]", "g offset 5m[5m]",
    "g @ 5[5m]", "g @", "g @ Inf", "g @ -Inf", "g @ NaN", "g @ 1e30", "g @ x", "g @ start",
    "g @ (1)", "(g) @ 5", "1 @ 5", 'sum by ("") (g)', 'sum without ("") (g)', "sum by (,) (g)",
    'sum by ("a\\xff") (g)', "sum by (i (g)", "sum by i (g)", "sum(g) by i", "sum by (1) (g)",
    "sum by (i) g", "sum()", "sum(g, g)", "topk(g)", "topk(1, g, 2)", "topk('1', g)",
    "count_values(1, g)", "count_values(g)", "sum(1)", "sum(g[5m])", "avg", "sum(g g)",
    'g + on("") g', "g + on g", "g + on(i) group_left group_right g", "g + group_left g",
    "g + on(i) ignoring(j) g", "g and on(i) group_left g", "g and 1", "1 or 1", "g and bool g",
    "g + bool g", "1 == 1", "1 > on() 1", "1 + on(i) 1", "g == on(i) bool g",
    "g * on(i) group_left(i) g", '"a" + 1', "1 + g[5m]", "g[5m] and g", '+"a"', "-g[5m]", "!g",
    "-'a'", "* g", "g **", "g === 1", "g = 1", "g =~ 1", "g ! 1", "g & 1", "g | 1", "g || 1",
    "g,g", "g;", "g$", "é", "g.x", "gé", "\u00a0g", "g\x00", "1x", "1e", "0x", "1__0", "1.5h",
    "08x", "1..2", "1e1e1", "0x1p4", "1h1x", "1" + "0" * 400, "nope(g)", "g(1)", "inf(1)", "rate",
    "rate(g)", "rate(g[5m], 1)", "rate(g[5m],)", "rate(,)", "rate()", "abs(1)", "abs(g[5m])",
    "abs()", "vector(g)", "scalar(1)", "time(1)", "clamp(g, 1)", "round(g, 1, 2)", "hour(g, g)",
    "label_join(g)", "label_join(g, 'a')", "label_join(g, 'a', 'b', 1)",
    "label_replace(g, 'a', 'b', 'c')", "label_replace(g, 1, 'b', 'c', 'd')", "absent('a')",
    "histogram_quantile(g, g)", "predict_linear(g[5m])", "holt_winters(g[5m], 1, 1)",
    "absent(scalar(g))", "1[5m:1m]", "time()[5m:1m]", "sum_over_time(g)", "by + on", "bool", "on",
    "g{", "g{i", "g{i=", 'g{i="a"', 'g{i="a" j="b"}', "g{,}", 'g{i="a",,}', "g{i=1}", "g{1=2}",
    'g{i=="a"}', 'g{i="a" or j="b"}', "g{i!a}", "g{i~'a'}", "g{{}}", 'g{"i"', 'g{"x":"y"}',
    'g{__name__="h"}', 'g{"h"}', "g{i='a'}{j='b'}", '"a', "'a\n'", '"\\q"', '"\\400"', '"\\ud800"',
    '"\\x4"', '"\\u12', "`a", '"a\\', 'g{i="\\z"}', "'\ufffd'", "g end()",
    "start()", "end() + 1", "g atan2", "atan2(g, 1)", "1 atan2", "min_of(1, 2)", "range()",
)  # fmt: skip
"""Expressions that both refuse."""
EXPRESSION_OF_ITS_OWN = "error parsing regexp"
"""RE2 in C++ says otherwise than in Go what is wrong with a regular expression."""
