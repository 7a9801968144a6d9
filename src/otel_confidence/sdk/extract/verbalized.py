"""
This module declares confidence put into words or figures by a language model, or by a judge.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract.batches import Reader, each
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    NOTHING,
    OUT_OF_RANGE,
    UNKNOWN_WORD,
    Extracted,
    rejection,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.reported import Reported
from otel_confidence.sdk.extract.scales import Ends, Policy, Scale, number_of, scale_of

WORDS: Final[Mapping[str, float]] = MappingProxyType({
    "very low": 0.1, "lowest": 0.1, "low": 0.3, "medium": 0.5, "moderate": 0.5, "high": 0.7,
    "very high": 0.9, "highest": 0.9,
})  # fmt: skip
"""The middles of five equal bands, in the manner of Lin, Hilton and Evans (2022)."""

_SOURCE: Final = "verbalized"
_LONGEST: Final = 64
_FIGURE = re.compile(
    r"(?P<number>\d{1,9}(?:[.,]\d{1,17})?|\.\d{1,17}) ?"
    r"(?:(?P<percent>%|percent)|(?:/|out of) ?(?P<of>\d{1,9}))?"
)
_BETWEEN_WORDS = re.compile(r"_|(?<=[^\W\d])-(?=[^\W\d])")


@dataclass(frozen=True, slots=True)
class Verbalized:
    """
    A stated confidence: ``"high"``, ``"85 %"``, ``"85/100"``, ``"0.85"``, 0.85 or 85.

    A bare number up to 1 is a fraction and above 1 a percentage, unless a scale is declared.

    Args:
        at: where it is.
        words: what each word stands for, within 0..1; case and surrounding dots do not matter.
        scale: ``"unit"``, ``"percent"`` or the two ends, for bare numbers.
        out_of_range: ``"reject"`` a number outside, or ``"clip"`` it; both are counted.
    """

    at: Place = "confidence"
    words: Mapping[str, float] = field(default_factory=lambda: WORDS)
    scale: str | Ends | None = None
    out_of_range: Policy = "reject"

    def __post_init__(self) -> None:
        finder(self.at)
        scale_of(self.scale or "unit", self.out_of_range)
        if not isinstance(self.words, Mapping) or not all(map(_is_word, self.words.items())):
            raise ConfigurationError(
                f'words must map texts to numbers within 0..1, such as {{"sure": 0.95}}, '
                f"got {self.words!r}"
            )

    source = _SOURCE
    """Where the confidence comes from, a value of ``conventions.SOURCE``."""

    method = ""
    """It finds no uncertainty."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        words = {_normalized(word): float(number) for word, number in self.words.items()}
        return lambda result: self._read(find(result), words)

    def _read(self, value: Any, words: Mapping[str, float]) -> Extracted:
        if value is NOWHERE or value is None:
            return rejection(CONFIDENCE_MISSING, _SOURCE)
        if isinstance(value, Many):
            return each(lambda row: self._read(row, words), value, _SOURCE)
        if isinstance(value, str):
            return self._text(value, words)
        number, reason = number_of(value)
        return rejection(reason, _SOURCE) if number is None else self._number(number)

    def _text(self, text: str, words: Mapping[str, float]) -> Extracted:
        phrase = _normalized(text[: _LONGEST + 1])
        if not phrase:
            return rejection(CONFIDENCE_MISSING, _SOURCE)
        if phrase in words:
            return Extracted(words[phrase], None, _SOURCE)
        match = _FIGURE.fullmatch(phrase) if len(text) <= _LONGEST else None
        return rejection(UNKNOWN_WORD, _SOURCE) if match is None else self._figure(match)

    def _figure(self, match: "re.Match[str]") -> Extracted:
        number = float(match["number"].replace(",", "."))
        if match["percent"]:
            return self._scaled(number, Scale(upper=100.0, clip=self._clips))
        if match["of"] is None:
            return self._number(number)
        whole = float(match["of"])
        if whole == 0.0:
            return rejection(OUT_OF_RANGE, _SOURCE)
        return self._scaled(number, Scale(upper=whole, clip=self._clips))

    @property
    def _clips(self) -> bool:
        return self.out_of_range == "clip"

    def _number(self, number: float) -> Extracted:
        assumed = "percent" if number > 1.0 else "unit"
        return self._scaled(number, scale_of(self.scale or assumed, self.out_of_range))

    def _scaled(self, number: float, scale: Scale) -> Extracted:
        confidence, reason = scale.one(number)
        return Extracted(confidence, None, _SOURCE, rejected={reason: 1} if reason else NOTHING)


@dataclass(frozen=True, slots=True)
class Judge:
    """
    The score of a judge, be it a person or a model, on a declared scale.

    Args:
        at: where it is.
        scale: the lowest and the highest score, such as ``(1, 5)``; they become 0 and 1.
        out_of_range: ``"reject"`` a score outside, or ``"clip"`` it; both are counted.
    """

    at: Place = "score"
    scale: str | Ends | None = None
    out_of_range: Policy = "reject"

    def __post_init__(self) -> None:
        self.reader()

    source = "judge"
    """Where the confidence comes from, a value of ``conventions.SOURCE``."""

    method = ""
    """It finds no uncertainty."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        if self.scale is None:
            raise ConfigurationError("a judge needs its scale, such as Judge(scale=(1, 5))")
        return Reported(self.at, self.scale, self.out_of_range, source="judge").reader()


def _is_word(pair: tuple[Any, Any]) -> bool:
    word, value = pair
    number, _ = number_of(value)
    return isinstance(word, str) and number is not None and 0.0 <= number <= 1.0


def _normalized(text: str) -> str:
    spaced = _BETWEEN_WORDS.sub(" ", text.casefold())
    return " ".join(spaced.split()).strip(" !,;:\"'").rstrip(".")
