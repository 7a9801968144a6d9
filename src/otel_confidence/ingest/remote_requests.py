"""
This module reads the requests of Prometheus's remote write, 1.0 and 2.0, series by series.

The two differ in where texts stand: 1.0 writes them in place, 2.0 refers to a table of symbols, and
has metadata with each series rather than beside them. What is read here has one shape for both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from google.protobuf.message import DecodeError

from otel_confidence.errors import InvalidRecord
from otel_confidence.ingest.limits import Refused
from otel_confidence.ingest.remote_messages import message
from otel_confidence.ingest.snappy import TOO_LARGE
from otel_confidence.ingest.wire import fields

Version = Literal["1.0", "2.0"]
Key = tuple[bytes, ...]
"""Labels, not parsed yet: equal ones of one version are the same labels."""
Pairs = tuple[tuple[bytes, bytes], ...]
"""Labels as they came: any bytes in any order."""
MAX_PARTS: Final = 200_000
"""How many series, symbols or descriptions one request may have."""
_SERIES_1: Final = 1
_METADATA_1: Final = 3
_SYMBOL_2: Final = 4
_SERIES_2: Final = 5


@dataclass(frozen=True, slots=True)
class About:
    """
    Type, unit and help of a metric, as they came.
    """

    name: bytes
    type: int
    unit: bytes
    help: bytes


class Request(Protocol):
    """
    One request, taken apart.
    """

    kind: str
    """The message that a series is."""
    needs_samples: bool
    """Whether a series has to have a sample or a histogram."""
    series: list[bytes]
    """The series, not parsed yet."""

    def key(self, labeled: Any) -> Key:
        """
        What the labels of a series or an exemplar are known by.

        Raises:
            Refused: They refer to symbols that are not there.
        """
        ...

    def pairs(self, key: Key) -> Pairs:
        """
        The labels behind a key.

        Raises:
            Refused: They are none.
        """
        ...

    def abouts(self) -> Iterator[About]:
        """
        What is said of metrics beside the series.
        """
        ...

    def about(self, given: Any, name: str) -> About | None:
        """
        What a series says of its metric, None where an earlier one said the same.

        Raises:
            Refused: It refers to symbols that are not there.
        """
        ...

    def started_ms(self, given: Any, sample: Any) -> int:
        """
        Since when a series counts at one of its samples, 0 where that is not said.
        """
        ...


def request(body: bytes, version: Version) -> Request:
    """
    Take a request apart.

    Raises:
        InvalidRecord: It is none, or has too many parts (reason ``too_large``).
    """
    return _Request1(body) if version == "1.0" else _Request2(body)


def parsed(kind: str, content: bytes) -> Any:
    """
    A part of a request.

    Raises:
        InvalidRecord: It is none.
    """
    try:
        return message(kind).FromString(content)
    except DecodeError as error:
        raise InvalidRecord(f"not a protobuf {kind.rstrip('2')}: {error}") from None


class _Request1:
    """
    A request of remote write 1.0.
    """

    kind = "TimeSeries"
    needs_samples = False

    def __init__(self, body: bytes) -> None:
        name = "prometheus.WriteRequest"
        parts = _parts(body, name, (_SERIES_1, _METADATA_1), not_in_it=_SYMBOL_2)
        self.series = parts[_SERIES_1]
        self._metadata = parts[_METADATA_1]

    def key(self, labeled: Any) -> Key:
        return tuple(labeled.labels[:])

    def pairs(self, key: Key) -> Pairs:
        try:
            labels = [message("Label").FromString(content) for content in key]
        except DecodeError as error:
            raise Refused("invalid_labels", f"not a protobuf Label: {error}") from None
        return tuple([(label.name, label.value) for label in labels])

    def abouts(self) -> Iterator[About]:
        for content in self._metadata:
            said = parsed("MetricMetadata", content)
            yield About(said.metric_family_name, said.type, said.unit, said.help)

    def about(self, given: Any, name: str) -> About | None:  # noqa: ARG002  1.0 says it beside
        return None

    def started_ms(self, given: Any, sample: Any) -> int:  # noqa: ARG002  not said in 1.0
        return 0


class _Request2:
    """
    A request of remote write 2.0.
    """

    kind = "TimeSeries2"
    needs_samples = True

    def __init__(self, body: bytes) -> None:
        name = "io.prometheus.write.v2.Request"
        parts = _parts(body, name, (_SYMBOL_2, _SERIES_2), not_in_it=_SERIES_1)
        self.series = parts[_SERIES_2]
        self._symbols = parts[_SYMBOL_2]
        self._told: set[tuple[str, int, int, int]] = set()
        if self._symbols and self._symbols[0]:
            raise InvalidRecord("the first symbol must be empty")

    def key(self, labeled: Any) -> Key:
        places = labeled.labels_refs[:]
        if len(places) % 2:
            raise Refused("invalid_labels", "an odd number of references to symbols")
        try:
            return tuple([self._symbols[place] for place in places])
        except IndexError:
            raise self._unknown(max(places)) from None

    def pairs(self, key: Key) -> Pairs:
        return tuple(zip(key[::2], key[1::2], strict=True))

    def abouts(self) -> Iterator[About]:
        return iter(())

    def about(self, given: Any, name: str) -> About | None:
        if not given.HasField("metadata"):
            return None
        said = given.metadata
        key = (name, said.type, said.unit_ref, said.help_ref)
        if key in self._told:
            return None
        try:
            unit, text = self._symbols[said.unit_ref], self._symbols[said.help_ref]
        except IndexError:
            raise self._unknown(max(said.unit_ref, said.help_ref)) from None
        self._told.add(key)
        return About(name.encode(), said.type, unit, text)

    def started_ms(self, given: Any, sample: Any) -> int:
        # Drafts of 2.0 have it in the series, the later ones in each sample.
        return int(sample.start_timestamp or given.created_timestamp)

    def _unknown(self, place: int) -> Refused:
        return Refused("invalid_labels", f"no symbol {place}, there are {len(self._symbols)}")


def _parts(
    body: bytes, kind: str, numbers: tuple[int, int], *, not_in_it: int
) -> dict[int, list[bytes]]:
    # What neither version has belongs to a sender that knows more, and is passed over as protobuf
    # wants it; what the other version has shows that the content type is wrong.
    parts: dict[int, list[bytes]] = {number: [] for number in numbers}
    for number, content in fields(body):
        if number == not_in_it:
            raise InvalidRecord(
                f"not a {kind}: it has a field {number}; does the content type name the message?"
            )
        if number not in parts:
            continue
        if len(parts[number]) >= MAX_PARTS:
            raise Refused(TOO_LARGE, f"more than {MAX_PARTS} of field {number}")
        parts[number].append(content)
    return parts
