"""
This module keeps what was declared about a predicting function, checked once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from otel_confidence import receipts
from otel_confidence.decisions import EVERYTHING, Decisions
from otel_confidence.errors import ConfigurationError
from otel_confidence.reference import Reference
from otel_confidence.sdk.current import current
from otel_confidence.sdk.features import Read
from otel_confidence.sdk.series import ModelSeries
from otel_confidence.sdk.telemetry import Telemetry

if TYPE_CHECKING:
    from otel_confidence.sdk.extract import Extracted

Extract = Callable[[Any], "Extracted"]
_UNSET: Final[Any] = object()


class Extraction(NamedTuple):
    """
    How a result is read.
    """

    whole: Extract
    confidence: Extract | None
    """The confidence alone: what is left to read where a label or uncertainty raises."""
    source: str
    """That of every confidence; empty where only the result tells."""


class Tracker:
    """
    What was declared about a predicting function, bound to the telemetry it is recorded in.
    """

    def __init__(
        self,
        *,
        model: str,
        version: str = "",
        decisions: Decisions = EVERYTHING,
        extraction: Extraction | None = None,
        reference: Reference | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.model: str = _name("model", model)
        self.version: str = _name("version", version, empty=True)
        if not receipts.names_fit(model, version):
            raise ConfigurationError(
                f"model and version must take at most {receipts.NAMES_LIMIT} bytes together, as "
                f"each receipt carries them, got {model!r} and {version!r}: shorten one"
            )
        self.decisions = decisions
        self.batch_decisions: Decisions = decisions.without_fallback()
        """Rows of a batch have no call of their own to fall back with."""
        self.extraction = extraction
        self._reference = reference
        self._telemetry = telemetry
        self._bound: tuple[Telemetry, ModelSeries] | None = None

    @property
    def telemetry(self) -> Telemetry:
        """
        Where to record: what was declared, or what is configured now.
        """
        return self._telemetry or current()

    def series(self, telemetry: Telemetry) -> ModelSeries:
        """
        The model's series there, declared at first.
        """
        bound = self._bound
        if bound is None or bound[0] is not telemetry:
            source = "" if self.extraction is None else self.extraction.source
            series = telemetry.declare(
                self.model, self.version, self.decisions, self._reference, source
            )
            bound = self._bound = telemetry, series
        return bound[1]

    def count_features(self, read: Read, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """
        Count the features in the arguments of a call, before it begins.
        """
        telemetry = self.telemetry
        if not telemetry.enabled:
            return
        values = _UNSET
        with telemetry.guard("tracking.features"):
            values = read(args, kwargs)
        if values is not _UNSET:
            telemetry.count_features(self.series(telemetry), values)
        else:
            telemetry.recorded("feature")
            telemetry.dropped("feature", "extractor_failed")

    def announce(self) -> None:
        """
        Declare at once, so that series begin at zero before the first prediction.
        """
        telemetry = self.telemetry
        with telemetry.guard("tracking.declare"):
            self.series(telemetry)


def _name(what: str, value: str, *, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f'{what} must be a text, such as "1", got {value!r}')
    if not value and not empty:
        raise ConfigurationError(f"{what} must be a text that is not empty, got {value!r}")
    if not value.isprintable():
        hidden = next(each for each in value if not each.isprintable())
        raise ConfigurationError(
            f"{what} must be printable, got {value!r}: take U+{ord(hidden):04X} out"
        )
    return value
