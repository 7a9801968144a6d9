"""
This module knows what each function takes and gives, and which of them Prometheus hides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["vector", "scalar", "matrix", "string"]
SHOWN: Final[Mapping[str, str]] = {"vector": "instant vector", "matrix": "range vector"}
"""How messages name a kind, where not by itself."""
UNLIMITED: Final = -1


@dataclass(frozen=True, slots=True)
class Signature:
    """
    What a function takes and gives.
    """

    takes: tuple[Kind, ...]
    optional: int = 0
    """How many of the last arguments may be left out, or ``UNLIMITED`` repeat the last of them."""
    gives: Kind = "vector"

    @property
    def least(self) -> int:
        """
        How many arguments there have to be.
        """
        return len(self.takes) - (self.optional != 0)

    @property
    def most(self) -> int | None:
        """
        How many there may be; None for any number.
        """
        return None if self.optional == UNLIMITED else self.least + self.optional

    def kind(self, number: int) -> Kind:
        """
        What an argument has to be.
        """
        return self.takes[min(number, len(self.takes) - 1)]


_OF_VECTOR: Final = Signature(("vector",))
_OF_MATRIX: Final = Signature(("matrix",))
_OF_DATES: Final = Signature(("vector",), optional=1)
_OF_SCALAR: Final = Signature(("vector", "scalar"))
_DATES: Final = (
    "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month",
    "year",
)  # fmt: skip
FOLLOWING_TIME: Final = frozenset({*_DATES, "predict_linear", "time", "timestamp"})
"""Functions whose result changes with the time of evaluation even on unchanging arguments."""
FUNCTIONS: Final[Mapping[str, Signature]] = {
    **dict.fromkeys(
        (
            "abs", "absent", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos",
            "cosh", "deg", "exp", "floor", "ln", "log10", "log2", "rad", "sgn", "sin", "sinh",
            "sort", "sort_desc", "sqrt", "tan", "tanh", "timestamp",
        ),
        _OF_VECTOR,
    ),
    **dict.fromkeys(
        (
            "absent_over_time", "avg_over_time", "changes", "count_over_time", "delta", "deriv",
            "idelta", "increase", "irate", "last_over_time", "max_over_time", "min_over_time",
            "present_over_time", "rate", "resets", "stddev_over_time", "stdvar_over_time",
            "sum_over_time",
        ),
        _OF_MATRIX,
    ),
    **dict.fromkeys(_DATES, _OF_DATES),
    "clamp": Signature(("vector", "scalar", "scalar")),
    "clamp_max": _OF_SCALAR,
    "clamp_min": _OF_SCALAR,
    "histogram_fraction": Signature(("scalar", "scalar", "vector")),
    "histogram_quantile": Signature(("scalar", "vector")),
    "label_join": Signature(("vector", "string", "string", "string"), optional=UNLIMITED),
    "label_replace": Signature(("vector", "string", "string", "string", "string")),
    "pi": Signature((), gives="scalar"),
    "predict_linear": Signature(("matrix", "scalar")),
    "quantile_over_time": Signature(("scalar", "matrix")),
    "round": Signature(("vector", "scalar"), optional=1),
    "scalar": Signature(("vector",), gives="scalar"),
    "time": Signature((), gives="scalar"),
    "vector": Signature(("scalar",)),
}  # fmt: skip
EXPERIMENTAL: Final = frozenset(
    {
        "double_exponential_smoothing", "first_over_time", "info", "mad_over_time",
        "sort_by_label", "sort_by_label_desc", "ts_of_first_over_time", "ts_of_last_over_time",
        "ts_of_max_over_time", "ts_of_min_over_time",
    }
)  # fmt: skip
"""Functions that Prometheus 3.9 only offers behind a feature flag."""
EXPERIMENTAL_AGGREGATIONS: Final = frozenset({"limit_ratio", "limitk"})
NATIVE: Final = frozenset(
    {
        "histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar",
        "histogram_sum",
    }
)  # fmt: skip
"""Functions that only native histograms have an answer for."""
