"""
This module writes references as JSON and reads them again.

The text is canonical: features stand in the data's order, everything else in a fixed one, numbers
in their shortest exact form, and only ASCII. ``version`` changes whenever older programs would
misread a file.
"""

import json
import secrets
from pathlib import Path
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.reference.features import CategoricalFeature, Feature, NumericFeature
from otel_confidence.reference.model import Histogram, Reference

FORMAT: Final = "otel_confidence.reference"
VERSION: Final = 1
_DAMAGES: Final = (
    ConfigurationError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip
"""What reading a file can meet that is JSON and no reference."""
MAX_BYTES: Final = 16 * 2**20
"""Largest file that is read; a reference of a hundred features takes some 100 kB."""


def text_of(reference: Reference) -> str:
    """
    The reference as JSON.
    """
    confidence = None
    if reference.confidence is not None:
        edges, counts = reference.confidence.edges, reference.confidence.counts
        confidence = {"edges": edges, "counts": counts}
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "id": reference.id,
        "rows": reference.rows,
        "confidence": confidence,
        "classes": [list(each) for each in reference.classes],
        "features": [_described(feature) for feature in reference.features],
    }
    lines = ",\n".join(f" {json.dumps(key)}: {_value(value)}" for key, value in content.items())
    return f"{{\n{lines}\n}}\n"


def write(reference: Reference, path: Path) -> None:
    """
    Write the file beside its place and move it there, so that no reader meets half of it.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text_of(reference), encoding="ascii")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: Path) -> Reference:
    """
    The reference in a file.

    Raises:
        ConfigurationError: it can't be read, or is none of this format and version.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} has more than {MAX_BYTES} bytes: no reference")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the reference {path} can't be read: {error}") from error
    return _parsed(text, str(path))


def _parsed(text: str, where: str) -> Reference:
    try:
        content = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ConfigurationError(f"{where} is no reference: its format is not {FORMAT!r}")
    version = content.pop("version", None)
    if version != VERSION:
        raise ConfigurationError(
            f"{where} has format version {version!r}, this program reads {VERSION}: "
            "update otel-confidence, or make the reference again with Reference.from_data()"
        )
    try:
        return _reference(content)
    except _DAMAGES as error:
        raise ConfigurationError(f"the reference {where} is damaged: {error}") from error


def _reference(content: dict[str, Any]) -> Reference:
    confidence = content.pop("confidence")
    if confidence is not None:
        confidence = Histogram(_numbers(confidence["edges"]), tuple(confidence["counts"]))
    features = tuple(_feature(dict(each)) for each in content.pop("features"))
    classes = tuple((label, count) for label, count in content.pop("classes"))
    return Reference(features=features, confidence=confidence, classes=classes, **content)


def _feature(described: dict[str, Any]) -> Feature:
    kind = described.pop("type")
    described["counts"] = tuple(described["counts"])
    if kind == "numeric":
        low, high = _numbers((described.pop("low"), described.pop("high")))
        edges = _numbers(described.pop("edges"))
        return NumericFeature(edges=edges, low=low, high=high, **described)
    if kind == "categorical":
        categories, others = tuple(described.pop("categories")), tuple(described.pop("others"))
        return CategoricalFeature(categories=categories, others=others, **described)
    raise ConfigurationError(f"a feature's type must be numeric or categorical, got {kind!r}")


def _described(feature: Feature) -> dict[str, Any]:
    if isinstance(feature, NumericFeature):
        kind, names = "numeric", ("edges", "counts", "low", "high", "missing", "invalid")
    else:
        kind = "categorical"
        names = ("categories", "counts", "others", "other", "missing", "invalid")
    return {"name": feature.name, "type": kind} | {name: getattr(feature, name) for name in names}


def _value(value: Any) -> str:
    """
    A value on one line; each feature and class has its own, so that versions compare by line.
    """
    if not isinstance(value, list) or not value:
        return json.dumps(value, allow_nan=False)
    return "[\n  " + ",\n  ".join(json.dumps(each, allow_nan=False) for each in value) + "\n ]"


def _numbers(values: Any) -> tuple[float, ...]:
    if not all(type(value) in (int, float) for value in values):
        raise ConfigurationError(f"numbers expected, got {values!r}")
    return tuple(float(value) for value in values)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")
