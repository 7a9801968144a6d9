"""This module tests which fields leave the process, and what of their text."""

import random
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tests.sdk.planted import MAKERS, Maker, planted

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.redaction.capture import DEFAULTS
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.settings import Settings

MAIL = "joe@example.org"


def _redactor(guard: Guard | None = None, **settings: Any) -> Redactor:
    return Redactor(Settings(**settings), guard or Guard())


@pytest.mark.parametrize("field", ["inputs.age", "features.age", "metadata.user"])
def test_inputs_features_and_metadata_stay_inside(field: str) -> None:
    """
    What a model saw does not leave unless it is declared.
    """
    group, _, name = field.partition(".")

    assert {} == _redactor().values(group, {name: "41"})


def test_declared_inputs_leave_alone() -> None:
    """
    One declared input leaves, scrubbed; its neighbours stay inside.
    """
    redactor = _redactor(capture={"inputs.note": 12, "metadata": True})
    inputs = redactor.values("inputs", {"note": "mail joe@example.org", "age": 41, 7: "x"})
    metadata = redactor.values("metadata", {"api_key": "k", "tier": np.int64(3), MAIL: "y"})

    assert {"inputs.note": "mail [redac\u2026"} == inputs
    assert {
        "metadata.api_key": "[redacted:secret]",
        "metadata.tier": "3",
        "metadata.[redacted:email]": "y",
    } == metadata


@pytest.mark.parametrize(
    ("way", "left"),
    [
        (True, "mail [redacted:email] or call back"),
        (False, None),
        (None, None),
        (0, None),
        (9, "mail [re\u2026"),
        ("off", None),
        ("on", "mail [redacted:email] or call back"),
        ("9", "mail [re\u2026"),
    ],
)
def test_fields_are_kept_cut_or_dropped(way: Any, left: str | None) -> None:
    """
    A field leaves whole within its limit, cut with a mark, or not at all.
    """
    redactor = _redactor(capture={"comment": way})

    assert left == redactor.text("comment", f"mail {MAIL} or call back")


def test_hashes_are_keyed() -> None:
    """
    Equal texts have equal hashes under one key; without a key those of two redactors never meet.
    """
    keyed = [_redactor(capture={"label": "hash"}, hash_key=key) for key in ("k", "k", "other")]
    unkeyed = [_redactor(capture={"label": "hash"}) for _ in range(2)]
    hashes = [redactor.label("label", "cat") or "" for redactor in (*keyed, *unkeyed)]

    assert hashes[0] == hashes[1]
    assert 4 == len(set(hashes))
    assert all(h.startswith("blake2b:") and len(h) == 40 for h in hashes)
    assert keyed[0].label("label", np.int64(4)) == keyed[0].label("label", "4")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"capture": {"input": True}}, "capture knows no field 'input', only inputs, features"),
        ({"capture": {"label.x": True}}, "capture knows no field 'label.x'"),
        ({"capture": {"label": "hashed"}}, r"capture\['label'\] must be True, False, 'hash' or"),
        ({"capture": {"label": -1}}, "must be True"),
        ({"capture": {"label": 10**6}}, "must be True"),
        ({"capture": ["label"]}, "capture must map fields to ways"),
        ({"redact": "x"}, "redact must take a field's name and its text, got 'x'"),
        ({"redact_patterns": {"Ab c": "x"}}, "kinds of its own, .* got 'Ab c'"),
        ({"redact_patterns": {"email": "x"}}, "kinds of its own, .* got 'email'"),
        ({"redact_patterns": ["x"]}, "redact_patterns must map kinds"),
        ({"redact_patterns": {"k": "(a+)+b"}}, "is refused"),
        ({"redact_except": ("mail",)}, "unknown kind of secret or personal data 'mail'"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    """
    A wrong declaration is refused when it is made.
    """
    with pytest.raises(ConfigurationError, match=message):
        _redactor(**settings)


def test_settings_are_read_from_the_environment() -> None:
    """
    Everything but the callable can be given as a variable.
    """
    settings = Settings.read(
        {
            "OTEL_CONFIDENCE_CAPTURE": "label=hash, comment=20",
            "OTEL_CONFIDENCE_REDACT_PATTERNS": '{"employee_id": "EMP-[0-9]{6}"}',
            "OTEL_CONFIDENCE_REDACT_ALSO": "ip_address",
            "OTEL_CONFIDENCE_REDACT_EXCEPT": "phone, email",
            "OTEL_CONFIDENCE_HASH_KEY": "k",
        }
    )
    redactor = Redactor(settings, Guard())

    assert redactor.text("comment", f"EMP-123456 10.0.0.1 {MAIL}") == "[redacted:employee_\u2026"
    assert redactor.label("label", "x") == _redactor(capture={"label": "hash"}, hash_key="k").label(
        "label", "x"
    )


@pytest.mark.parametrize(
    ("variable", "text"),
    [("CAPTURE", "label"), ("REDACT_PATTERNS", "EMP"), ("REDACT_PATTERNS", "[]"), ("REDACT", "f")],
)
def test_unreadable_variables_are_named(variable: str, text: str) -> None:
    """
    A variable that cannot be read is refused with an example of what would be right.
    """
    with pytest.raises(ConfigurationError, match=f"OTEL_CONFIDENCE_{variable} must be like "):
        Settings.read({f"OTEL_CONFIDENCE_{variable}": text})


def test_own_patterns_replace_their_value() -> None:
    """
    A user's pattern replaces all it finds, or its group ``value``.
    """
    redactor = _redactor(
        redact_patterns={"employee_id": r"EMP-\d{6}", "case": r"case (?P<value>\w+)"}
    )

    assert "[redacted:employee_id], case [redacted:case]" == redactor.text(
        "comment", "EMP-123456, case Xy"
    )


def test_own_function_sees_scrubbed_text() -> None:
    """
    ``redact=`` gets the field and what scrubbing left, and has the last word.
    """
    seen = []

    def redact(field: str, text: str) -> str | None:
        seen.append((field, text))
        return None if field == "truth" else text.upper()

    redactor = _redactor(redact=redact)

    assert "SEE [REDACTED:EMAIL]" == redactor.text("comment", f"see {MAIL}")
    assert redactor.text("truth", "cat") is None
    assert [("comment", "see [redacted:email]"), ("truth", "cat")] == seen


@pytest.mark.parametrize("fault", [ValueError("x"), MemoryError(), SystemExit(), 3, b"x"])
def test_failing_function_drops_the_field(fault: Any) -> None:
    """
    Where ``redact=`` raises or returns no text the field is dropped and the fault counted.
    """
    counted = []

    def redact(*_: str) -> Any:
        if isinstance(fault, BaseException):
            raise fault
        return fault

    guard = Guard(count=lambda place, error: counted.append((place, error)))
    redactor = _redactor(guard, redact=redact)

    assert redactor.text("comment", "hello") is None
    assert [
        ("redact", type(fault).__name__ if isinstance(fault, BaseException) else "TypeError")
    ] == (counted)


def test_own_functions_long_answer_is_cut() -> None:
    """
    What ``redact=`` returns is bounded and made printable like any text.
    """
    redactor = _redactor(redact=lambda *_: "\x1b" + "y" * 10**6)
    text = redactor.text("label", "x") or ""

    assert text.startswith("\\x1byyy")
    assert len(text) < 300


@pytest.mark.parametrize("field", [f for f, keep in DEFAULTS.items() if keep.limit])
def test_no_half_of_a_secret_leaves(field: str) -> None:
    """
    A secret that lies across a text's limit, wherever it begins, leaves nothing of itself.
    """
    redactor = _redactor()
    limit = DEFAULTS[field].limit
    maker, rng = Maker(5), random.Random(5)
    halves = []
    for _ in range(60):
        _, secret = planted("github_token", maker)
        before = limit + rng.randint(-60, 560)
        shrinking = f"{MAIL} " * rng.randint(0, 30)
        text = f"{shrinking}{' ' * (before - len(shrinking))}{secret} {'z ' * 600}"
        left = redactor.text(field, text) or ""
        halves += [left] if secret[:12] in left or secret[-12:] in left else []

    assert [] == halves


def test_long_labels_stay_different() -> None:
    """
    Labels that differ beyond their limit have different texts, also after scrubbing.
    """
    redactor = _redactor()
    labels = [redactor.label("label", "x " * 2000 + end) for end in ("a", "b")]
    scrubbed = [redactor.label("label", f"{MAIL} {'x ' * 200}{end}") for end in ("a", "b")]

    assert 4 == len({*labels, *scrubbed})
    assert all(label and len(label) <= 256 for label in (*labels, *scrubbed))
    assert all("joe@" not in (label or "") for label in scrubbed)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (4, 4),
        (0.93, 0.93),
        (True, True),
        (4111111111111111, "[redacted:number]"),
        (1_700_000_000_000, 1_700_000_000_000),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (MAIL, "[redacted:email]"),
        (b"joe@example.org", "[redacted:email]"),
        ([MAIL, "x", 3], ["[redacted:email]", "x", 3]),
        ({"password": "hunter22"}, "[password:[redacted:password]"),
        (object(), "object"),
        ("a\r\nb\x1b[0m\u202e", "a\\r\\nb\\x1b[0m\\u202e"),
    ],
)
def test_attributes_keep_their_types(value: Any, left: Any) -> None:
    """
    Numbers stay numbers unless they are somebody's; everything else leaves as scrubbed text.
    """
    kept = _redactor().attribute("user", value)

    assert left == kept
    assert type(left) is type(kept)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("db.password", True),
        ("DB_PASSWORD", True),
        ("userPassword", True),
        ("http.request.header.authorization", True),
        ("api-key", True),
        ("access_token", True),
        ("gen_ai.usage.output_tokens", False),
        ("tokenizer", False),
        ("monkey", False),
        ("session.id", False),
        ("compass", False),
    ],
)
def test_attributes_with_telling_names_are_replaced(name: str, secret: bool) -> None:
    """
    The value of an attribute whose name says secret is replaced, whatever it looks like.
    """
    kept = _redactor().attribute(name, "hunter")

    assert ("[redacted:secret]" if secret else "hunter") == kept


def test_hostile_values_have_an_end() -> None:
    """
    Self-references, huge texts and texts of a foreign class cost neither stack nor memory.
    """

    class Foreign(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> Any:
            raise RuntimeError

        def __len__(self) -> int:
            raise RuntimeError

    loop: list[Any] = []
    loop.append(loop)
    redactor = _redactor()

    assert [[[[None]]]] != redactor.attribute("x", loop)
    assert 4096 == len(redactor.attribute("x", "y" * 10**7))
    assert "y" == redactor.attribute("x", Foreign("y"))
    assert "\\ud800" == redactor.attribute("x", "\ud800")


def test_threads_share_a_redactor() -> None:
    """
    Scrubbing from many threads at once mixes nothing up.
    """
    redactor = _redactor()
    results: list[str | None] = []

    def work(number: int) -> None:
        results.extend(redactor.text("comment", f"{number} {MAIL}") for _ in range(200))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {f"{number} [redacted:email]" for number in range(8)} == set(results)
    assert 1600 == len(results)


def test_every_kind_is_found_in_every_field() -> None:
    """
    Whatever is planted, no field lets it out.
    """
    redactor = _redactor(
        redact_also=("ip_address", "mac_address", "coordinates"),
        capture=dict.fromkeys(("inputs", "features", "metadata"), True),
    )
    leaks = []
    for kind in MAKERS:
        text, secret = planted(kind, Maker(11))
        if len(text) < 250:
            values: Mapping[str, str | None] = {f: redactor.text(f, text) for f in DEFAULTS}
            named = redactor.values("metadata", {"note": text})
            leaks += [
                kind for left in (*values.values(), *named.values()) if secret in (left or "")
            ]

    assert [] == leaks
