"""
This module declares ensembles: the votes of their members, or the probabilities each member gave.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, each, known
from otel_confidence.sdk.extract.distributions import Distribution, check_reduction, source_of
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    Extracted,
    rejection,
    unsure,
    wrong_type,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.stats import uncertainty

Spread = Literal["mutual_information", "std", "entropy"]
SPREADS: Final = ("mutual_information", "std", "entropy")


@dataclass(frozen=True, slots=True)
class Ensemble:
    """
    Probabilities of each member: shape [members, classes], or [members, n, classes] for a batch.

    The confidence is that of their mean, which is the ensemble's own distribution
    (Lakshminarayanan et al. 2017). The uncertainty is what the members disagree about:
    ``"mutual_information"`` in nats, ``"std"`` of the best class's probability over the members
    (of the population), or ``"entropy"`` of the mean, normalized.

    Args:
        at: where they are.
        reduce: as for ``Probabilities``, of the mean.
        uncertainty: which of the three.
        logits: the members give logits.
        classes: the names in the order of the last axis; the best one becomes the label.
    """

    at: Place = "members"
    reduce: str | int = "max"
    uncertainty: Spread = "mutual_information"
    logits: bool = False
    classes: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        finder(self.at)
        check_reduction(self.reduce, self.classes)
        if self.uncertainty not in SPREADS:
            raise ConfigurationError(
                f"uncertainty must be one of {', '.join(SPREADS)}, got {self.uncertainty!r}"
            )

    @property
    def source(self) -> str:
        """
        Where the confidence comes from, a value of ``conventions.SOURCE``.
        """
        return source_of("ensemble", self.reduce)

    @property
    def method(self) -> str:
        """
        The uncertainty it finds, a value of ``conventions.UNCERTAINTY_METHOD``.
        """
        return self.uncertainty

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        mean = Distribution(self.reduce, "ensemble", classes=self.classes, whole=True)
        return lambda result: self._read(find(result), mean)

    def _read(self, value: Any, mean: Distribution) -> Extracted:
        if value is NOWHERE or value is None:
            return rejection(CONFIDENCE_MISSING, mean.source)
        if isinstance(value, Many):
            return each(lambda row: self._read(row, mean), value, mean.source)
        members = arrays.floats(value, masked=-np.inf if self.logits else 0.0)
        if members is None or members.ndim not in (2, 3):
            return rejection(wrong_type(value), mean.source)
        if not members.size:
            return rejection(CONFIDENCE_MISSING, mean.source)
        if self.logits:
            members = uncertainty.softmax(members)
        with np.errstate(all="ignore"):
            return self._together(members, mean)

    def _together(self, members: arrays.Floats, mean: Distribution) -> Extracted:
        """
        The mean's confidence; of a case with an unsound member, what is wrong with that member.
        """
        if members.ndim == 2:  # noqa: PLR2004  one case
            members = members[:, None, :]
        sound = mean.sound(members)
        cases = np.arange(members.shape[1])
        unsound = members[sound.argmin(axis=0), cases]
        agreed = np.asarray(sound.all(axis=0))
        rows = np.where(agreed[:, None], members.mean(axis=0), unsound)
        found = mean.array(rows[0] if len(rows) == 1 else rows, self.classes)
        spread = np.full(len(rows), np.nan)
        spread[agreed] = self._spread(np.clip(members[:, agreed], 0.0, 1.0))
        values = known(spread[0]) if found.size == 1 else spread
        return unsure(found, values, self.uncertainty)

    def _spread(self, members: arrays.Floats) -> arrays.Floats:
        if self.uncertainty == "mutual_information":
            return uncertainty.mutual_information(members)
        mean = members.mean(axis=0)
        if self.uncertainty == "entropy":
            return uncertainty.normalized_entropy(mean)
        best = mean.argmax(axis=-1)
        chosen = np.take_along_axis(members, best[None, ..., None], axis=-1)
        return np.asarray(chosen[..., 0].std(axis=0))


@dataclass(frozen=True, slots=True)
class Votes:
    """
    The label each member voted for: a list, label to count, or shape [members, n] for a batch.

    The confidence is the winner's share of all members; a vote of None or NaN is an abstention
    and counts for nobody. The label is the winner; of equal ones the first to be voted for. The
    uncertainty is the entropy of the votes over ``ln(members)``.

    Args:
        at: where they are.
    """

    at: Place = "votes"

    def __post_init__(self) -> None:
        finder(self.at)

    source = "ensemble"
    """Where the confidence comes from, a value of ``conventions.SOURCE``."""

    method = "entropy"
    """The uncertainty it finds, a value of ``conventions.UNCERTAINTY_METHOD``."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        return lambda result: _read_votes(find(result))


def _read_votes(value: Any) -> Extracted:
    if value is NOWHERE or value is None:
        return rejection(CONFIDENCE_MISSING, "ensemble")
    if isinstance(value, Many):
        return each(_read_votes, value, "ensemble")
    if isinstance(value, Mapping):
        return _count(value, value)
    rows = value.tolist() if hasattr(type(value), "tolist") else value
    if not isinstance(rows, (list, tuple)):
        return rejection(wrong_type(value), "ensemble")
    if rows and all(_is_column(row) for row in rows):
        return _members_first(rows, value)
    return _tally(rows, value)


def _members_first(rows: Sequence[Any], value: Any) -> Extracted:
    """
    Each member's votes for n cases, turned into each case's votes.
    """
    if len({len(row) for row in rows}) != 1:
        return rejection(wrong_type(value), "ensemble")
    cases = list(zip(*(_plain(row) for row in rows), strict=True))
    if len(cases) == 1:
        return _tally(cases[0], value)
    return each(lambda votes: _tally(votes, value), cases, "ensemble")


def _is_column(row: object) -> bool:
    return isinstance(row, list) or (isinstance(row, np.ndarray) and row.ndim == 1)


def _plain(row: Any) -> list[Any]:
    plain: list[Any] = row.tolist() if isinstance(row, np.ndarray) else row
    return plain


def _tally(votes: Sequence[Any], value: Any) -> Extracted:
    try:
        counts = Counter(None if _abstains(vote) else vote for vote in votes)
    except TypeError:
        return rejection(wrong_type(value), "ensemble")
    return _count(counts, value)


def _count(counts: Mapping[Any, int], value: Any) -> Extracted:
    sizes = list(counts.values())
    if not all(type(n) is int and n >= 0 for n in sizes):
        return rejection(wrong_type(value), "ensemble")
    members = sum(sizes)
    if not members:
        return rejection(CONFIDENCE_MISSING, "ensemble")
    cast = {label: n for label, n in counts.items() if not _abstains(label)}
    if not any(cast.values()):
        return Extracted(0.0, None, "ensemble", uncertainty=1.0, method="entropy")
    winner = max(cast, key=lambda label: cast[label])
    return Extracted(
        cast[winner] / members,
        winner,
        "ensemble",
        uncertainty=_vote_entropy(sizes, members),
        method="entropy",
    )


def _abstains(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def _vote_entropy(sizes: Sequence[int], members: int) -> float:
    if members == 1:
        return 0.0
    nats = 0.0 - sum(n / members * math.log(n / members) for n in sizes if n)
    return max(min(nats / math.log(members), 1.0), 0.0)
