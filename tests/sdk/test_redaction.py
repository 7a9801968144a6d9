"""This module tests what is found in texts, what is left alone, and what hostile texts cost."""

from pathlib import Path

import pytest
from tests.sdk.benign import benign
from tests.sdk.planted import MAKERS, Maker, planted

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.redaction.pattern import Gate, Pattern
from otel_confidence.sdk.redaction.safety import checked
from otel_confidence.sdk.redaction.scrubbing import KINDS, PATTERNS, Scrubber, chosen, mark

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "privacy.md"
OPTIONAL = tuple(dict.fromkeys(p.kind for p in PATTERNS if p.optional))
AROUND = ("{}", "see {} there", "({})", "'{}',", "x\n{}\ny", "value: {}.")


@pytest.mark.parametrize("kind", KINDS)
def test_planted_secrets_are_replaced(kind: str) -> None:
    """
    120 texts of each kind lose their secret, and say what kind it was.
    """
    scrub, maker = Scrubber(chosen(also=OPTIONAL)), Maker(KINDS.index(kind))
    texts = [(*planted(kind, maker), AROUND[number % len(AROUND)]) for number in range(120)]
    scrubbed = [(scrub(around.format(text)), secret) for text, secret, around in texts]

    assert [] == [text for text, secret in scrubbed if secret in text or mark(kind) not in text]


def test_every_kind_has_a_maker() -> None:
    """
    There are 80 kinds and more, and the tests make up secrets of each of them.
    """
    assert set(KINDS) == set(MAKERS)
    assert len(KINDS) >= 80


def test_ordinary_texts_are_left_alone() -> None:
    """
    Of 6,000 ordinary texts of 30 kinds fewer than one in a hundred is changed.
    """
    scrub = Scrubber()
    changed = [text for text in benign(7, 6000) if scrub(text) != text]

    assert len(changed) < 60, changed[:10]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "DE89 3704 0044 0532 0130 01",
        "000-12-3456",
        "943 476 5918",
        "12345678A",
        "756.9217.0769.84",
        "850799-1234",
        "0.4111111111111111",
        "bearer of bad news",
        "basic understanding",
        "user@host",
        "sk-learn",
        "1.2.3.4",
        "max_tokens=4096",
        "http://localhost:8050/api",
        "+1.23456789",
        "12:30:45",
    ],
)
def test_near_misses_are_left_alone(text: str) -> None:
    """
    A wrong check digit, an impossible date or a plain word is no finding.
    """
    assert text == Scrubber()(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("pay DE89 3704 0044 0532 0130 00 EUR", "pay [redacted:iban] EUR"),
        ("postgres://app:p@ss@h/x", "postgres://[redacted:connection_string]@h/x"),
        ("https://h/?token=abcdef1234&n=2#z", "https://h/?token=[redacted:url_parameter]&n=2#z"),
        ('{"password": "a b"}', '{"password": "[redacted:password]"}'),
        ("?mail=joe%40example.org&n=1", "?mail=[redacted:email]&n=1"),
    ],
)
def test_only_the_secret_is_replaced(text: str, left: str) -> None:
    """
    What stands around a secret stays readable.
    """
    assert left == Scrubber()(text)


@pytest.mark.parametrize("kind", KINDS)
def test_scrubbing_twice_changes_nothing(kind: str) -> None:
    """
    A mark is no finding of any other pattern.
    """
    scrub = Scrubber(chosen(also=OPTIONAL))
    once = scrub(planted(kind, Maker(1))[0])

    assert once == scrub(once)


def test_kinds_can_be_left_out_and_added() -> None:
    """
    Optional kinds are searched for on request, any kind can be left alone.
    """
    text = "10.1.2.3 joe@example.org"

    assert "10.1.2.3 [redacted:email]" == Scrubber()(text)
    assert "[redacted:ip_address] joe@example.org" == Scrubber(chosen(["ip_address"], ["email"]))(
        text
    )


def test_unknown_kinds_are_refused() -> None:
    """
    A kind that does not exist is named, beside those that do.
    """
    with pytest.raises(ConfigurationError, match=r"unknown kind .* 'e-mail', known: private_key"):
        chosen(leave=["e-mail"])


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.kind)
def test_built_in_patterns_pass_the_check_for_users_patterns(pattern: Pattern) -> None:
    """
    Each built-in pattern has the form that takes time in proportion to a text's length.
    """
    assert pattern.source == checked(pattern.kind, pattern.source)


_SEEDS = (
    "a", "1", " ", "-", "=", "@", "a@", "a.", "a@a.", "eyJ", "eyJaaaaaaaaaa.", "://", "://a:", "A",
    "AA99 ", "1 ", "9999 ", "+1 ", "(", "password=", "password", "key:", "token ", "basic ", "%40a",
    "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", "cookie: a", "?key=", "sk-", "0a",
    "authorization: ", "tel", "phone 1", "[redacted:", "\u00e9@", "aws secret access key = ",
)  # fmt: skip


@pytest.mark.parametrize("seed", _SEEDS)
def test_long_hostile_texts_are_scrubbed(seed: str) -> None:
    """
    200,000 characters of what a pattern begins with end in time: quadratic would take minutes.
    """
    text = (seed * 200_000)[:200_000]

    assert Scrubber(chosen(also=OPTIONAL))(text)


def test_hints_and_gates_hide_nothing() -> None:
    """
    Whatever a pattern alone finds in ordinary and in planted texts, the scrubber finds too.
    """
    maker = Maker(3)
    texts = [*benign(3, 600), *(planted(kind, maker)[0] for kind in KINDS for _ in range(3))]
    scrub = Scrubber(chosen(also=OPTIONAL))
    missed = [
        (pattern.kind, text)
        for text in texts
        for pattern in PATTERNS
        for found in pattern.regex.finditer(text)
        if (
            pattern.check is None
            or pattern.check(found["value" if pattern.regex.groupindex else 0])
        )
        and scrub(text) == text
    ]

    assert [] == missed
    assert set(Gate) == {p.gate for p in PATTERNS}


def test_page_lists_every_kind() -> None:
    """
    The how-to's table of kinds is the code's.
    """
    rows = [f"| `{p.kind}` | {p.about} |" for p in PATTERNS if p.about]
    listed = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]

    assert rows == [line for line in listed if line.split("`")[1] in KINDS]
