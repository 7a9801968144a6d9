"""This module checks receipts: small, exact, and refused when they are forged or damaged."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.records import NOWHERE, Link
from otel_confidence.sdk import receipts

NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=19)


@given(
    model=NAMES,
    version=NAMES,
    confidence=st.none() | st.floats(0, 1),
    source=st.sampled_from(("", *c.SOURCE.values)),
    label=st.none() | st.text(),
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
    label: str | None,
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
        label=label,
        time_s=(time_ms + 0.5) / 1000,
        prediction_id=prediction_id,
        link=link,
        key=key,
    )
    read = receipts.read(text, key=key)

    assert len(text) <= receipts.LIMIT
    assert (model, version, confidence, source) == (
        read.model, read.version, read.confidence, read.source,
    )  # fmt: skip
    assert (time_ms, prediction_id, link) == (read.time_ms, read.prediction_id, read.link)
    assert (None if label is None else True) == read.predicted(label or "")
    assert read.predicted(f"not {label}") is not True


def _receipt(key: str = "", label: str = "4") -> str:
    return receipts.write(
        model="m", version="1", confidence=0.5, source="probability", label=label, time_s=1.0,
        prediction_id=7, key=key,
    )  # fmt: skip


def test_longest_names_and_labels_fit() -> None:
    """
    A signed and traced receipt of the longest names and an endless label fits 200 bytes.
    """
    name = "m" * (receipts.NAMES_LIMIT - 1)
    text = receipts.write(
        model=name, version="1", confidence=1.0, source="judge", label="x" * 10_000, time_s=1e9,
        prediction_id=2**64 - 1, link=Link(2**128 - 1, 2**64 - 1, sampled=True), key="k",
    )  # fmt: skip

    assert len(text) <= receipts.LIMIT
    assert receipts.names_fit(name, "1")
    assert not receipts.names_fit(name, "12")
    assert receipts.read(text, key="k").predicted("x" * 10_000) is True


@pytest.mark.parametrize("key", ["", "secret"])
def test_every_damaged_byte_is_found(key: str) -> None:
    """
    No single changed, cut or added character passes.
    """
    text = _receipt(key)
    changed = [
        text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(len(text))
    ]
    for damaged in (*changed, *(text[:at] for at in range(len(text))), text + "AAAA"):
        try:
            read = receipts.read(damaged, key=key)
        except InvalidRecord:
            continue
        # The last character may hold bits that base64 ignores.
        assert receipts.read(text, key=key) == read
        assert damaged[:-1] == text[:-1]


@pytest.mark.parametrize(
    ("written", "read"),
    [("", "secret"), ("secret", ""), ("secret", "other")],
    ids=["unsigned", "no key", "another key"],
)
def test_forged_receipts_are_refused(written: str, read: str) -> None:
    """
    A receipt must be signed with the very key that reads it.
    """
    text = _receipt(written)

    with pytest.raises(InvalidRecord):
        receipts.read(text, key=read)


@pytest.mark.parametrize("text", ["", "é", "not base64!", "x" * 201, 4, None, b"AS"])
def test_anything_else_is_refused(text: str) -> None:
    """
    What never was a receipt is refused, whatever its type.
    """
    with pytest.raises(InvalidRecord):
        receipts.read(text)


def test_unknown_label_is_not_compared() -> None:
    """
    A receipt without a label can't say whether a label was predicted.
    """
    text = receipts.write(
        model="m", version="", confidence=None, source="", label=None, time_s=0, prediction_id=0
    )

    assert receipts.read(text).predicted("4") is None
