"""
This module checks that references survive a file, and that anything else in it is refused.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_confidence.errors import ConfigurationError
from otel_confidence.reference import Reference
from otel_confidence.reference.files import text_of


def whole() -> Reference:
    """
    A reference with everything in it.
    """
    generator = np.random.default_rng(0)
    return Reference.from_data(
        features={
            "size": generator.normal(size=200),
            "color": generator.choice(["red", "grün", "a\tb"], size=200),
        },
        confidences=generator.uniform(size=200),
        labels=generator.integers(0, 3, size=200),
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """
    A loaded reference equals the saved one, and saving it again gives the same bytes.
    """
    path, again = tmp_path / "reference.json", tmp_path / "again.json"
    whole().save(path)
    loaded = Reference.load(str(path))
    loaded.save(again)

    assert whole() == loaded
    assert path.read_bytes() == again.read_bytes()
    assert path.read_bytes().isascii()
    assert [again, path] == sorted(tmp_path.iterdir())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.lists(st.text(max_size=80), min_size=1, max_size=15),
)
def test_any_reference_survives_a_file(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], texts: list[str]
) -> None:
    """
    Every float and every text comes back exactly.
    """
    features = {"x": values}
    if any(texts):
        features |= {"t": (texts * len(values))[: len(values)]}  # type: ignore[dict-item]
    if not any(features.get("t", "x")):
        features.pop("t")
    made = Reference.from_data(features=features)
    path = tmp_path_factory.mktemp("files") / "r.json"
    made.save(path)

    assert made == Reference.load(path)


def test_the_file_names_its_format_and_version(tmp_path: Path) -> None:
    """
    The first keys say what the file is, and no row of the data is in it.
    """
    path = tmp_path / "r.json"
    Reference.from_data(features={"x": [1.234567, 2.345678, 9.876543]}, id="spring").save(path)
    content = json.loads(path.read_text())

    assert {"format": "otel_confidence.reference", "version": 1, "id": "spring", "rows": 3} == {
        key: content[key] for key in ("format", "version", "id", "rows")
    }
    assert "1.234567" not in path.read_text()


def test_the_digest_follows_the_content() -> None:
    """
    References of different data have different ids; a given id is kept.
    """
    one, other = (Reference.from_data(features={"x": [1, n]}) for n in (2, 3))

    assert 16 == len(one.id)
    assert other.id != one.id == Reference.from_data(features={"x": [1, 2]}).id
    assert "mine" == Reference.from_data(features={"x": [1, 2]}, id="mine").id


def damaged(**changes: Any) -> str:
    """
    A file's text with some keys changed; None takes a key away.
    """
    content = json.loads(text_of(whole())) | changes
    return json.dumps({key: value for key, value in content.items() if value is not None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[1]", "is no reference: its format is not 'otel_confidence.reference'"),
        ('{"format": "other"}', "is no reference"),
        (damaged(version=2), "has format version 2, this program reads 1: update otel-confidence"),
        (damaged(version=None), "has format version None"),
        (damaged(rows=None), "is damaged"),
        (damaged(rows=-1), "is damaged: rows must be a whole number"),
        (damaged(more=1), "is damaged"),
        (damaged(features=[{"name": "x"}]), "is damaged: 'type'"),
        (damaged(features=[{"name": "x", "type": "text", "counts": []}]), "numeric or categorical"),
        (damaged(features=7), "is damaged"),
        (damaged(confidence={"edges": [0.5, 1], "counts": [1]}), "one for each edge"),
        (damaged(confidence={"edges": [1, 0.5], "counts": [1, 1]}), "edges must ascend"),
        (damaged(confidence={"edges": [], "counts": []}), "one for each edge"),
        (damaged(classes=[["a", -1]]), "pairs of a text and a whole number"),
        (damaged(id="x" * 65), "id must be a printable text"),
        ('{"format": "otel_confidence.reference", "version": 1, "rows": NaN}', "NaN is no number"),
    ],
)
def test_a_file_that_is_no_reference_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """
    The error names the file and what is wrong with it.
    """
    path = tmp_path / "r.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=message) as raised:
        Reference.load(path)

    assert "r.json" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": [2, 1], "counts": [1, 1, 1]}, "edges must ascend"),
        ({"edges": [], "counts": [1]}, "edges must ascend"),
        ({"edges": ["1"], "counts": [1, 1]}, "numbers expected"),
        ({"edges": ["1e999"], "counts": [1, 1]}, "must be finite"),
        ({"counts": [1]}, "bins, but 1 counts"),
        ({"counts": [0] * 10}, "all counts are 0"),
        ({"counts": [0.5] * 10}, "whole numbers"),
        ({"low": 5.0, "high": 1.0}, "must ascend"),
        ({"missing": -1}, "whole numbers"),
        ({"name": "a\nb"}, "printable"),
    ],
)
def test_a_damaged_feature_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """
    Edges, counts, bounds and names are checked when a file is read.
    """
    features = json.loads(text_of(whole()))["features"]
    path = tmp_path / "r.json"
    text = damaged(features=[features[0] | change])
    path.write_text(text.replace('"1e999"', "1e999"))

    with pytest.raises(ConfigurationError, match=message):
        Reference.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"categories": ["a", "a"], "counts": [1, 1]},
        {"categories": ["a"], "counts": [1], "others": ["a"]},
        {"categories": ["_OTHER"], "counts": [1]},
        {"categories": ["\n"], "counts": [1]},
        {"categories": [""], "counts": [1]},
        {"categories": [7], "counts": [1]},
    ],
)
def test_damaged_categories_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """
    Every category is a printable text of its own.
    """
    features = json.loads(text_of(whole()))["features"]
    path = tmp_path / "r.json"
    path.write_text(damaged(features=[features[1] | change]))

    with pytest.raises(ConfigurationError, match="categor"):
        Reference.load(path)


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    """
    What can't be read is a configuration error, and what is far too large is not read at all.
    """
    with pytest.raises(ConfigurationError, match="can't be read"):
        Reference.load(tmp_path / "none.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ConfigurationError, match="can't be read"):
        Reference.load(tmp_path / "folder.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(ConfigurationError, match="no reference"):
        Reference.load(tmp_path / "huge.json")
