"""This module checks what becomes of remote write requests, well formed and otherwise."""

import struct
from collections.abc import Callable

import pytest
from tests.remote import (
    Pairs,
    Symbols,
    double,
    exemplar,
    field,
    metadata,
    packed,
    sample,
    series,
    varint,
    whole,
)

from otel_confidence.errors import InvalidRecord, StoreBusy
from otel_confidence.ingest.limits import Limits
from otel_confidence.ingest.remote_requests import Version
from otel_confidence.ingest.remote_write import RemoteWriter, Written
from otel_confidence.points import Batch, Exemplar, Metadata, Sample, Series

NOW_MS = 1_800_000_000_000
UP = (("__name__", "up"), ("job", "a"))
STALE_BITS = 0x7FF0000000000002
NATIVE = field(4, whole(1, 3))


def keep(body: bytes, version: Version = "1.0", **limits: int) -> tuple[Batch, Written]:
    """What the sink gets of a request, and what is answered."""
    kept = Batch()

    def sink(batch: Batch) -> None:
        kept.samples = batch.samples
        kept.exemplars += batch.exemplars
        kept.metadata += batch.metadata
        kept.starts += batch.starts

    writer = RemoteWriter(sink, limits=Limits(**limits), now=lambda: NOW_MS / 1000)
    written = writer.accept(packed(body), version)
    return kept, written


def two(pairs: Pairs) -> bytes:
    """A request of a series with these labels and of a good one."""
    return series(pairs, [(NOW_MS, 1.0)]) + series(UP, [(NOW_MS, 2.0)])


def test_a_request_of_1_0_is_kept_whole() -> None:
    """
    Samples in their order, exemplars with sorted labels, and metadata reach the sink.
    """
    link = exemplar((("trace_id", "t"), ("span_id", "s")), NOW_MS - 5, 0.5)
    about = metadata(1, "up", "Whether it is up.", "seconds")

    kept, written = keep(series(UP, [(NOW_MS, 1.5), (NOW_MS - 1, 2.5)], link) + about)

    up = Series(UP)
    labels = (("span_id", "s"), ("trace_id", "t"))
    assert [Sample(up, NOW_MS, 1.5), Sample(up, NOW_MS - 1, 2.5)] == list(kept.samples)
    assert [Exemplar(up, NOW_MS - 5, 0.5, labels)] == kept.exemplars
    assert [Metadata("up", "counter", "seconds", "Whether it is up.")] == kept.metadata
    assert (2, 1, 0) == (written.samples, written.exemplars, written.refusals.total)


def test_a_request_of_2_0_is_kept_whole() -> None:
    """
    References become labels; metadata of a histogram's series is that of its family.
    """
    symbols = Symbols()
    labels = symbols.refs("__name__", "h_bucket", "le", "0.5")
    link = field(4, symbols.refs("trace_id", "t") + double(2, 0.5) + whole(3, NOW_MS - 5))
    about = field(
        5, whole(1, 3) + whole(3, symbols.at("How long.")) + whole(4, symbols.at("seconds"))
    )
    started = field(2, sample(NOW_MS, 3.0) + whole(3, NOW_MS - 1000))

    kept, written = keep(bytes(symbols) + field(5, labels + started + link + about), "2.0")

    bucket = Series((("__name__", "h_bucket"), ("le", "0.5")))
    assert [Sample(bucket, NOW_MS, 3.0)] == list(kept.samples)
    assert [Exemplar(bucket, NOW_MS - 5, 0.5, (("trace_id", "t"),))] == kept.exemplars
    assert [Metadata("h", "histogram", "seconds", "How long.")] == kept.metadata
    assert [((bucket.fingerprint,), (NOW_MS - 1000) * 1_000_000)] == kept.starts
    assert (1, 1, 0) == (written.samples, written.exemplars, written.refusals.total)


def test_a_series_of_2_0_may_say_since_when_it_counts() -> None:
    """
    Its own created timestamp is taken as well as that of its samples, unless it is to come.
    """
    symbols = Symbols()
    created = [
        symbols.refs("__name__", name) + field(2, sample(NOW_MS, 3.0)) + whole(6, NOW_MS + ahead)
        for name, ahead in (("a_total", -1000), ("b_total", 10**12))
    ]

    kept, _ = keep(bytes(symbols) + b"".join(field(5, each) for each in created), "2.0")

    fingerprint = Series((("__name__", "a_total"),)).fingerprint
    assert [((fingerprint,), (NOW_MS - 1000) * 1_000_000)] == kept.starts


def test_staleness_markers_keep_their_bits() -> None:
    """
    The NaN that ends a series is stored as the very NaN it is.
    """
    stale = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]

    kept, _ = keep(series(UP, [(NOW_MS, stale)]))

    assert STALE_BITS == kept.samples.values.view("<u8")[0]


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        pytest.param((("__name__", "x"), ("", "v")), "has no name", id="empty name"),
        pytest.param((("__name__", "x"), ("a", "")), "label 'a' is empty", id="empty value"),
        pytest.param((("__name__", "x"), ("a", "1"), ("a", "2")), "'a' occurs twice", id="twice"),
        pytest.param(
            (("__name__", "x"), ("b", "1"), ("a", "2")), "'b' stands before 'a'", id="unsorted"
        ),
        pytest.param((("job", "a"),), "no label __name__", id="no metric name"),
        pytest.param((), "no label __name__", id="no labels"),
        pytest.param((("__name__", "x"), ("a", b"\xff")), "is no UTF-8", id="no UTF-8"),
        pytest.param((("__name__", "x"), ("a", "v" * 10_000)), "label 'a' has", id="long label"),
        pytest.param((("__name__", "x"), ("a", "v" * 10_000_000)), "bytes", id="10 MB label"),
        pytest.param((("__name__", "x"), ("a" * 2000, "v")), "too long", id="long label name"),
    ],
)
def test_a_bad_label_costs_its_series_alone(labels: Pairs, named: str) -> None:
    """
    The other series of the request is kept, and the refusal names what is wrong and where.
    """
    kept, written = keep(two(labels))

    assert [Sample(Series(UP), NOW_MS, 2.0)] == list(kept.samples)
    assert 1 == written.refusals.total
    assert "series 0" in written.refusals.message
    assert named in written.refusals.message


@pytest.mark.parametrize(
    ("time_ms", "reason"),
    [(NOW_MS - 16 * 86_400_000, "too_old"), (NOW_MS + 3_600_000, "in_the_future"), (-1, "too_old"),
     (2**63 - 1, "in_the_future")],
)  # fmt: skip
def test_a_time_beyond_all_clocks_costs_its_sample_alone(time_ms: int, reason: str) -> None:
    """
    The other samples of the series are kept.
    """
    kept, written = keep(series(UP, [(time_ms, 1.0), (NOW_MS, 2.0)]))

    assert [2.0] == [each.value for each in kept.samples]
    assert {reason: 1} == written.refusals.counts


def test_native_histograms_are_refused_by_name() -> None:
    """
    They are counted, and the samples beside them are kept.
    """
    symbols = Symbols()
    labels = symbols.refs("__name__", "h")

    kept, written = keep(series(UP, [(NOW_MS, 1.0)], NATIVE + NATIVE))
    _, other = keep(bytes(symbols) + field(5, labels + field(3, whole(1, 3))), "2.0")

    assert 1 == len(kept.samples)
    assert {"native_histogram": 2} == written.refusals.counts
    assert {"native_histogram": 1} == other.refusals.counts
    assert "native histograms are not kept" in written.refusals.message


def test_a_bad_exemplar_leaves_the_sample() -> None:
    """
    Exemplars are judged one by one.
    """
    link = exemplar((("a", "1"), ("a", "2")), NOW_MS, 0.5)

    kept, written = keep(series(UP, [(NOW_MS, 1.0)], link))

    assert (1, 0) == (len(kept.samples), len(kept.exemplars))
    assert "exemplar of up" in written.refusals.message


@pytest.mark.parametrize("refs", [[1, 2, 3], [1, 99]], ids=["odd number", "beyond the table"])
def test_wrong_references_cost_their_series_alone(refs: list[int]) -> None:
    """
    A series of 2.0 that refers to nothing is refused, and the next one kept.
    """
    symbols = Symbols()
    good = field(5, symbols.refs("__name__", "up") + field(2, sample(NOW_MS, 1.0)))
    bad = field(5, field(1, b"".join(map(varint, refs))) + field(2, sample(NOW_MS, 1.0)))

    kept, written = keep(bytes(symbols) + bad + good, "2.0")

    assert 1 == len(kept.samples)
    assert {"invalid_labels": 1} == written.refusals.counts


def test_a_series_of_2_0_with_nothing_in_it_is_refused() -> None:
    """
    The series beside it are kept.
    """
    symbols = Symbols()
    labels = symbols.refs("__name__", "up")
    good, bare = field(5, labels + field(2, sample(NOW_MS, 1.0))), field(5, labels)

    kept, written = keep(bytes(symbols) + bare + good, "2.0")

    assert 1 == len(kept.samples)
    assert {"no_samples": 1} == written.refusals.counts


def test_a_series_of_2_0_may_have_exemplars_alone() -> None:
    """
    So Prometheus sends those of a scrape, behind their samples.
    """
    symbols = Symbols()
    exemplar = field(4, double(2, 0.5) + whole(3, NOW_MS))
    series = field(5, symbols.refs("__name__", "up") + exemplar)

    kept, written = keep(bytes(symbols) + series, "2.0")

    assert [0.5] == [each.value for each in kept.exemplars]
    assert {} == written.refusals.counts


@pytest.mark.parametrize(
    "unknown",
    [field(9, "x"), field(2, "reserved"), whole(9, 5)],
    ids=["a message", "a reserved number", "a whole number"],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_fields_of_neither_version_are_passed_over(unknown: bytes, version: Version) -> None:
    """
    What a later sender adds to a request costs nothing of it.
    """
    symbols = Symbols()
    labels = symbols.refs("__name__", "up")
    second = bytes(symbols) + field(5, labels + field(2, sample(NOW_MS, 1.0)))
    body = second if version == "2.0" else series(UP, [(NOW_MS, 1.0)])

    kept, written = keep(unknown + body, version)

    assert (1, 0) == (len(kept.samples), written.refusals.total)


def test_more_samples_than_allowed_are_refused_and_counted() -> None:
    """
    What a request brings beyond the limit is not kept, series by series.
    """
    body = series(UP, [(NOW_MS, 1.0)] * 3) + two((("__name__", "x"),))

    kept, written = keep(body, points=4)

    assert 4 == len(kept.samples)
    assert {"too_many_points": 1} == written.refusals.counts


def test_the_same_sample_twice_is_no_error() -> None:
    """
    Duplicates and late samples are accepted; which of them counts is the store's to say.
    """
    kept, written = keep(series(UP, [(NOW_MS, 1.0), (NOW_MS, 2.0), (NOW_MS - 9, 3.0)]))

    assert (3, 0) == (len(kept.samples), written.refusals.total)


@pytest.mark.parametrize(
    ("body", "version", "named"),
    [
        pytest.param(b"\x0a\xff", "1.0", "cut short", id="cut short"),
        pytest.param(b"\x0b", "1.0", "wire type 3", id="old wire type"),
        pytest.param(field(1, b"\xff\xff"), "1.0", "not a protobuf TimeSeries", id="broken series"),
        pytest.param(series(UP), "2.0", "content type", id="1.0 said to be 2.0"),
        pytest.param(bytes(Symbols()), "1.0", "content type", id="2.0 said to be 1.0"),
        pytest.param(field(4, "x"), "2.0", "first symbol", id="first symbol not empty"),
        pytest.param(field(1, b"") * 200_001, "1.0", "more than 200000", id="too many series"),
    ],
)
def test_what_is_no_request_is_refused_whole(body: bytes, version: Version, named: str) -> None:
    """
    Nothing of it is kept, and the message says what is wrong.
    """
    with pytest.raises(InvalidRecord, match=named):
        keep(body, version)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        pytest.param(lambda block: block[:-1], "no whole Snappy block", id="truncated"),
        pytest.param(lambda block: block[:9], "cut short", id="truncated early"),
        pytest.param(lambda block: block + b"x", "no whole Snappy block", id="too long"),
        pytest.param(lambda _: b"", "begin with a length", id="empty"),
        pytest.param(lambda _: b"\xff" * 20, "begin with a length", id="no length"),
        pytest.param(lambda block: varint(20 << 20) + block, "cannot hold", id="false length"),
        pytest.param(lambda block: varint(21 << 20) + block, "more than 20971520", id="bomb"),
    ],
)
def test_a_damaged_block_is_refused(spoil: Callable[[bytes], bytes], named: str) -> None:
    """
    A block that is cut short, lies about its length or holds too much is no request.
    """
    writer = RemoteWriter(lambda _: None)
    block = packed(series([*UP[:1], ("job", "a" * 500)], [(NOW_MS, 1.0)]))

    with pytest.raises(InvalidRecord, match=named):
        writer.accept(spoil(block), "1.0")


def test_the_ledger_knows_what_was_kept_and_what_not() -> None:
    """
    Samples kept and refused are counted; a sink that fails counts nothing as kept.
    """
    writer = RemoteWriter(lambda _: None, now=lambda: NOW_MS / 1000)
    writer.accept(packed(two((("job", "a"),))), "1.0")

    def full(_: Batch) -> None:
        raise StoreBusy("full")

    failing = RemoteWriter(full, ledger=writer.ledger, now=lambda: NOW_MS / 1000)
    with pytest.raises(StoreBusy):
        failing.accept(packed(two(UP)), "1.0")

    kept, lost = writer.ledger.snapshot()
    assert {"metric": 1} == kept
    assert {("metric", "invalid_labels"): 1} == lost
