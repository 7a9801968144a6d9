"""
This module checks templates against what Go's text/template makes of them.
"""

import math

import pytest

from otel_confidence.alerting.templates import Context, expand, read
from otel_confidence.errors import TemplateError
from otel_confidence.points import Labels

SERIES: list[tuple[Labels, float]] = [
    ((("instance", "b.example:9090"), ("job", "y")), 2.0),
    ((("instance", "a.example:9090"), ("job", "x")), 3.5),
]
LABELS = {"ml_model_name": "digits", "instance": "10.0.0.1:80"}


def expanded(text: str, value: float = 0.123456) -> str:
    """What a template writes."""
    context = Context(lambda _: SERIES, 1_500, "http://127.0.0.1:9090/prometheus")
    return expand(text, labels=LABELS, value=value, context=context)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ $labels.ml_model_name }}", "digits"),
        ("{{ .Labels.ml_model_name }} {{ .Value }}", "digits 0.123456"),
        ("[{{ $labels.missing }}]", "[]"),
        ("{{ $labels }}", "map[instance:10.0.0.1:80 ml_model_name:digits]"),
        ('{{ $value | printf "%.2f" }}', "0.12"),
        ('{{ printf "%s is at %5.1f%%" $labels.ml_model_name 12.345 }}', "digits is at  12.3%"),
        ('{{ printf "%d %q %v %05d|%-4s|%x" 3 "a" true 42 "b" 255 }}', '3 "a" true 00042|b   |ff'),
        ('{{ printf "%d" $value }}', "%!d(float64=0.123456)"),
        ('{{ printf "%s %s" "a" }}', "a %!s(MISSING)"),
        ('{{ printf "a" 1 }}', "a%!(EXTRA int=1)"),
        ("{{ $value | humanizePercentage }}", "12.35%"),
        ("{{ humanize 1234567.0 }} {{ humanize 0.00012 }} {{ humanize 0 }}", "1.235M 120u 0"),
        ("{{ humanize1024 2048 }}", "2ki"),
        ("{{ humanizeDuration 3661.5 }}, {{ humanizeDuration 0.0321 }}", "1h 1m 1s, 32.1ms"),
        ("{{ humanizeDuration 45.678 }} {{ humanizeDuration 90061 }}", "45.68s 1d 1h 1m 1s"),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ('{{ now }} {{ (now | toTime).Format "2006-01-02 15:04:05" }}', "1.5 1970-01-01 00:00:01"),
        ('{{ (toDuration 90.5).String }} {{ parseDuration "1h30m" }}', "1m30.5s 5400"),
        ("{{ if gt $value 0.1 }}high{{ else }}low{{ end }}", "high"),
        ('{{ if eq $labels.ml_model_name "a" "digits" }}y{{ else if true }}n{{ end }}', "y"),
        ("{{ if and $labels.missing (eq 1 1) }}y{{ else }}n{{ end }}", "n"),
        ('{{ with query "up" }}{{ . | first | value }}{{ end }}', "2"),
        (
            '{{ range query "up" }}{{ .Labels.instance | stripPort }} {{ end }}',
            "b.example a.example ",
        ),
        (
            '{{ range $i, $s := query "u" | sortByLabel "job" }}{{ $i }}{{ $s.Value }} {{ end }}',
            "03.5 12 ",
        ),
        ('{{ query "up" | first | label "job" }}', "y"),
        (
            '{{ range query "up" }}{{ if eq .Value 3.5 }}{{ break }}{{ end }}{{ .Value }}{{ end }}',
            "2",
        ),
        ('{{ $n := 0 }}{{ range query "up" }}{{ $n = .Value }}{{ end }}{{ $n }}', "3.5"),
        ('{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" $value }}', "<0.123456>"),
        ('{{ reReplaceAll "(.*):80" "host $1" $labels.instance }}', "host 10.0.0.1"),
        (
            '{{ match "dig.*" $labels.ml_model_name }} {{ title "a b" }} {{ toUpper "a" }}',
            "true A B A",
        ),
        ('{{ stripDomain "a.b.c:80" }} {{ stripDomain "10.0.0.1:80" }}', "a:80 10.0.0.1:80"),
        ("{{ externalURL }} {{ pathPrefix }}", "http://127.0.0.1:9090/prometheus /prometheus"),
        (
            '{{ graphLink "a b" }} {{ tableLink "a" }}',
            "/graph?g0.expr=a+b&g0.tab=0 /graph?g0.expr=a&g0.tab=1",
        ),
        (
            '{{ len "abc" }} {{ index $labels "instance" }} {{ slice "hello" 1 3 }}',
            "3 10.0.0.1:80 el",
        ),
        ('{{ print 1 2 "a" 3 }} {{ html "<a>" }} {{ urlquery "a b" }}', "1 2a3 &lt;a&gt; a+b"),
        ('{{ (args 1 "b").arg1 }}', "b"),
        ("a {{- /* left out */ -}} b", "ab"),
        ("{{- 1 -}} x", "1x"),
        ("{{ `raw \\n` }} {{ 'a' }} {{ 0x10 }} {{ 1_000 }} {{ 1e3 }}", "raw \\n 97 16 1000 1000"),
        ("{{ 1000000.0 }} {{ 0.00001 }} {{ 123456.5 }}", "1e+06 1e-05 123456.5"),
    ],
    ids=lambda text: text[:50],
)
def test_template_writes_what_go_writes(text: str, expected: str) -> None:
    """
    A template is filled as Prometheus fills it.
    """
    assert expected == expanded(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=["NaN", "+Inf", "-Inf"])
def test_numbers_that_are_none_are_written(value: float) -> None:
    """
    A value that is no number, or infinite, is written as Go writes it.
    """
    wanted = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]

    assert f"{wanted} {wanted} {wanted}%" == expanded(
        '{{ $value }} {{ printf "%.2f" $value }} {{ humanizePercentage $value }}', value
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ nope }}", "line 1: function 'nope' is not defined"),
        ("\n{{ $x }}", "line 2: undefined variable '$x'"),
        ("{{ if true }}", "line 1: unexpected end of template, an {{end}} is missing"),
        ("{{ end }}", "line 1: unexpected {{end}}"),
        ("{{ 1", "line 1: unclosed action"),
        ('{{ "a }}', "line 1: unterminated quoted text: '\"a }}'"),
        ("{{ 1 | 2 }}", "line 1: what is piped into must be a function"),
        ("{{ break }}", "line 1: {{break}} outside {{range}}"),
        ("{{ if }}a{{ end }}", "line 1: a command is missing"),
        ("{{ $labels.a ? }}", "line 1: unexpected '?' in an action"),
        ('{{ "a" 1 }}', "line 1: can't give arguments to 'a', which is no function"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_template_is_refused(text: str, fault: str) -> None:
    """
    A template that cannot be read is refused when it is loaded, with its line and what is wrong.
    """
    with pytest.raises(TemplateError) as raised:
        read(text)

    assert fault == str(raised.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ .Foo }}", "can't evaluate field Foo in type struct"),
        ("{{ $labels.a.b }}", "can't evaluate field b in type string"),
        ("{{ gt $value 1 }}", "incompatible types for comparison"),
        ("{{ toUpper $value }}", "wrong type for value of toUpper; expected string; got float64"),
        ('{{ index "abc" 7 }}', "index out of range: 7"),
        ("{{ first $value }}", "wrong type for value of first; expected samples; got float64"),
        ("{{ len }}", "wrong number of args for len: want 1 got 0"),
        ('{{ match "(" "a" }}', "'(' is no regular expression"),
        ('{{ template "t" }}', "template 't' not defined"),
        ('{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', "exceeded maximum"),
        ("{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}", "more than 200000 steps"),
        ('{{ range 100000 }}{{ printf "%900d" 1 }}{{ end }}', "more than 1048576 characters"),
        ('{{ humanize "x" }}', "parsing 'x': invalid syntax"),
    ],
    ids=lambda text: text[:40],
)
def test_what_cannot_be_carried_out_says_why(text: str, fault: str) -> None:
    """
    A template that fails on what it is given says what is wrong, and none runs for ever.
    """
    with pytest.raises(TemplateError) as raised:
        expanded(text)

    assert fault in str(raised.value)
