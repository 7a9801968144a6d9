"""
This module declares anomaly scores and distances, read against a reference the user gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, collected
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    INVALID_VALUE,
    Extracted,
    reasons,
    rejection,
    wrong_type,
)
from otel_confidence.sdk.extract.intervals import cells
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.scales import number_of

_SOURCE: Final = "heuristic"


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyScore:
    """
    How strange an input is, or how far away; confident is what is as strange as the reference.

    The confidence is ``(1 + stranger) / (1 + n)`` with ``stranger`` the number of the n reference
    scores at least as strange: the conformal p-value of Vovk et al. (2005), as used for outliers
    by Bates et al. (2023). On inputs like the reference it is uniform over 0..1, so a threshold
    of 0.05 raises a false alarm in 5 % of them.

    Args:
        at: where the score is.
        reference: scores of inputs known to be usual; a few hundred or more.
        stranger: whether ``"higher"`` or ``"lower"`` scores are the stranger ones.
    """

    at: Place = "."
    reference: Sequence[float] | arrays.Floats = ()
    stranger: Literal["higher", "lower"] = "higher"

    def __post_init__(self) -> None:
        finder(self.at)
        if self.stranger not in ("higher", "lower"):
            raise ConfigurationError(f'stranger must be "higher" or "lower", got {self.stranger!r}')
        if self._sorted() is None:
            raise ConfigurationError(
                "reference must hold the finite scores of usual inputs, "
                f"such as those of the training data, got {type(self.reference).__name__}"
            )

    def _sorted(self) -> arrays.Floats | None:
        scores = arrays.floats(self.reference)
        if scores is None or scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
            return None
        return np.sort(scores if self.stranger == "higher" else -scores)

    source = _SOURCE
    """Where the confidence comes from, a value of ``conventions.SOURCE``."""

    method = ""
    """It finds no uncertainty."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        reference = self._sorted()
        if reference is None:
            raise ConfigurationError("the reference was changed after it was declared")
        sign = 1.0 if self.stranger == "higher" else -1.0
        return lambda result: _read(find(result), reference, sign)


def _read(value: Any, reference: arrays.Floats, sign: float) -> Extracted:
    if value is NOWHERE or value is None:
        return rejection(CONFIDENCE_MISSING, _SOURCE)
    single = not isinstance(value, Many) and number_of(value)[0] is not None
    scores = cells(value) if single or isinstance(value, Many) or arrays.is_array(value) else None
    if scores is None:
        return rejection(wrong_type(value), _SOURCE)
    if not scores.size:
        return rejection(CONFIDENCE_MISSING, _SOURCE)
    usual = np.searchsorted(reference, sign * scores, side="left")
    confidences = (1.0 + len(reference) - usual) / (1.0 + len(reference))
    finite = np.isfinite(scores)
    return collected(
        np.where(finite, confidences, np.nan),
        _SOURCE,
        rejected=reasons({INVALID_VALUE: int(np.count_nonzero(~finite))}),
        batch=not single,
    )
