"""This module checks receipts: small, exact, and refused when they are forged or damaged."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from otel_confidence import conventions as c
from otel_confidence import receipts
from otel_confidence.errors import InvalidRecord
from otel_confidence.receipts import Among, Answer, Between, Label, Near
from otel_confidence.records import NOWHERE, Link

NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=19).filter(
    str.isprintable
)
FOUR = Label("4")


@given(
    model=NAMES,
    version=NAMES,
    confidence=st.none() | st.floats(0, 1),
    source=st.sampled_from(("", *c.SOURCE.values)),
    label=st.none() | st.builds(Label, st.text(), st.booleans()),
    time_ms=st.integers(0, 2**41),
    prediction_id=st.integers(0, 2**64 - 1),
    link=st.builds(Link, st.integers(1, 2**128 - 1), st.integers(0, 2**64 - 1), st.booleans())
    | st.just(NOWHERE),
    key=st.sampled_from(("", "secret")),
)
def test_receipts_carry_everything_exactly(  # noqa: PLR0917  one for each field
    model: str,
    version: str,
    confidence: float | None,
    source: str,
    label: Label | None,
    time_ms: int,
    prediction_id: int,
    link: Link,
    key: str,
) -> None:
    """
    What is written is read again, bit for bit, within 200 bytes.
    """
    assume(receipts.names_fit(model, version))
    text = receipts.write(
        model=model,
        version=version,
        confidence=confidence,
        source=source,
        answer=label,
        time_s=(time_ms + 0.5) / 1000,
        prediction_id=prediction_id,
        link=link,
        key=key,
    )
    read = receipts.read(text, keys=(key,) if key else ())
    told = "" if label is None else label.text

    assert len(text) <= receipts.LIMIT
    assert (model, version, confidence, source) == (
        read.model, read.version, read.confidence, read.source,
    )  # fmt: skip
    assert (time_ms, prediction_id, link) == (read.time_ms, read.prediction_id, read.link)
    assert (None if label is None else 1) == read.correctness(label=told)
    assert read.correctness(label=f"not {told}") in {None, 0}


def _receipt(answer: Answer | None = FOUR, **more: Any) -> str:
    given: dict[str, Any] = {"model": "m", "version": "1", "confidence": 0.5, "time_s": 1.0}
    return receipts.write(
        **({"source": "probability", "answer": answer, "prediction_id": 7} | given | more)
    )


@pytest.mark.parametrize(
    "answer",
    [Label("x" * 10_000), Label("x", hidden=True), Near(-1e300, 1e-300), Between(0.1, 0.2)],
    ids=["endless label", "hidden label", "value", "interval"],
)
def test_longest_names_leave_room_for_every_answer(answer: Answer) -> None:
    """
    A signed and traced receipt of the longest names fits 200 bytes whatever was predicted.
    """
    name = "m" * (receipts.NAMES_LIMIT - 1)
    text = _receipt(
        answer, model=name, confidence=1.0, source="judge", prediction_id=2**64 - 1,
        link=Link(2**128 - 1, 2**64 - 1, sampled=True), key="k",
    )  # fmt: skip
    read = receipts.read(text, keys=["k"])
    right = answer.text if isinstance(answer, Label) else None
    value = {Near: -1e300, Between: 0.15}.get(type(answer))

    assert len(text) <= receipts.LIMIT
    assert receipts.names_fit(name, "1")
    assert not receipts.names_fit(name, "12")
    assert 1 == read.correctness(label=right, value=value)


@pytest.mark.parametrize("key", ["", "secret"])
def test_every_damaged_byte_is_found(key: str) -> None:
    """
    No single changed, cut or added character passes: one receipt has one spelling.
    """
    text = _receipt(key=key)
    changed = [
        text[:at] + other + text[at + 1 :]
        for at in range(len(text))
        for other in "AB_0"
        if text[at] != other
    ]
    for damaged in (*changed, *(text[:at] for at in range(len(text))), text + "AAAA", text + "="):
        with pytest.raises(InvalidRecord):
            receipts.read(damaged, keys=[key] if key else [])


@pytest.mark.parametrize(
    ("written", "read"),
    [("", ["secret"]), ("secret", []), ("secret", ["other", "third"])],
    ids=["unsigned", "no key", "other keys"],
)
def test_forged_receipts_are_refused(written: str, read: list[str]) -> None:
    """
    A receipt must be signed with one of the very keys that read it.
    """
    text = _receipt(key=written)

    with pytest.raises(InvalidRecord):
        receipts.read(text, keys=read)


def test_former_keys_are_accepted() -> None:
    """
    After a change of the key, receipts signed with the former one are still read.
    """
    assert 7 == receipts.read(_receipt(key="old"), keys=["new", "old"]).prediction_id


@pytest.mark.parametrize("text", ["", "é", "not base64!", "x" * 201, 4, None, b"AS"])
def test_anything_else_is_refused(text: str) -> None:
    """
    What never was a receipt is refused, whatever its type.
    """
    with pytest.raises(InvalidRecord):
        receipts.read(text)


@given(st.binary(max_size=150))
def test_random_bytes_are_refused(raw: bytes) -> None:
    """
    Nothing but a receipt passes, even with a right checksum, and nothing else than refusal happens.
    """
    body = bytes((1,)) + raw
    try:
        read = receipts.read(receipts._encode(body + receipts._seal(body, "")))
    except InvalidRecord:
        return

    assert read.correctness(label="4", value=None) in {None, 0, 1} or read.answer


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_unknown_answers_are_not_compared(value: float) -> None:
    """
    A receipt without a label or a finite value can't say whether a prediction was right.
    """
    for answer in (None, Near(value, 1.0), Between(0.0, value)):
        read = receipts.read(_receipt(answer))

        assert read.correctness(label="4") is None
        assert read.correctness(value=4.0) is None


@pytest.mark.parametrize(
    ("answer", "truth", "expected"),
    [
        (Near(10.0, 0.5), {"value": 10.5}, 1),
        (Near(10.0, 0.5), {"value": 10.500000000000002}, 0),
        (Near(0.1, 0.2), {"value": 0.3}, 1),
        (Near(10.0, 0.5), {"label": "9.75"}, 1),
        (Near(10.0, 0.5), {"label": "ten"}, None),
        (Between(-1.0, 1.0), {"value": 1.0}, 1),
        (Between(-1.0, 1.0), {"value": -1.1}, 0),
        (Label("4"), {"value": 4.0}, None),
        (Label("4"), {"label": "4"}, 1),
        (Label("4", hidden=True), {"label": "5"}, 0),
        (Among(("a", "b", "c")), {"label": "b"}, 1 / 3),
        (Among(("a", "b", "c", "a")), {"label": "c"}, 1 / 3),
        (Among(("a",)), {"label": "a"}, 1),
        (Among(("a", "b")), {"label": "d"}, 0),
        (Among(()), {"label": "a"}, 0),
        (Among(("a", "b")), {"value": 1.0}, None),
    ],
)
def test_truth_is_compared_with_what_was_predicted(
    answer: Answer, truth: dict[str, Any], expected: float | None
) -> None:
    """
    A value is right within its tolerance, an interval with its ends, a set in one part of its size.
    """
    assert expected == receipts.read(_receipt(answer)).correctness(**truth)


def test_sets_are_kept_as_far_as_they_fit() -> None:
    """
    A set of 30 labels is told exactly in an unsigned receipt; a larger one is not, and says so.
    """
    labels = tuple(f"class {number}" for number in range(30))
    fits = receipts.read(_receipt(Among(labels)))
    large = receipts.read(_receipt(Among(labels + tuple(map(str, range(30))))))

    assert [1 / 30] * 30 == [fits.correctness(label=label) for label in labels]
    assert {0.0} == {fits.correctness(label=f"other {number}") for number in range(2000)}
    assert large.correctness(label="class 1") is None


def test_equal_labels_have_no_equal_digests() -> None:
    """
    A hidden label can't be recognized in another receipt.
    """
    first, second = (
        receipts.read(_receipt(Label("4", hidden=True), prediction_id=number)) for number in (1, 2)
    )

    assert first.answer != second.answer
    assert b"4" not in first.answer
