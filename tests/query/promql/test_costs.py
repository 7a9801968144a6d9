"""
This module tests that queries beside each other stay within the memory that all have together.
"""

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from tests.query.promql.series import Memory, every
from tests.running import until

from otel_confidence.errors import QueryError
from otel_confidence.points import Matcher, Selection
from otel_confidence.query.promql import Engine, Limits, Options
from otel_confidence.query.promql.costs import Again, Course, Room, Share

LABEL_REPLACE = 'label_replace(up, "a", "$1", "i", "(.*)")'
SERIES = {f'up{{i="{i}"}}': every(15, *range(41)) for i in range(10)}


def steadily() -> None:
    """
    Nothing ends the query.
    """


def never(course: Course) -> Callable[[], None]:
    """
    The query has ended.
    """
    course.stop()
    return course.check


class Slow(Memory):
    """
    Series that are found only when told so.
    """

    gate: threading.Event
    asked: int = 0

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = 0
    ) -> list[Selection]:
        """
        The same, later.
        """
        self.asked += 1
        assert self.gate.wait(60)
        return super().select(matchers, start_ms, end_ms, max_samples=max_samples)


def test_a_query_waits_until_others_leave_it_room() -> None:
    """
    What does not fit beside another query is computed once that one's answer is used.
    """
    engine = Engine(Memory(SERIES), limits=Limits(max_samples=600))
    first = Course(60)
    engine.query("sum_over_time(up[10m])", at=600, options=Options(course=first))
    answers = []
    second = threading.Thread(
        target=lambda: answers.append(engine.query("sum_over_time(up[10m])", at=600))
    )

    second.start()
    second.join(0.3)
    waited = not answers
    first.close()
    second.join(60)

    assert waited
    assert [10] == [len(answer.series) for answer in answers]


def test_whoever_waits_for_room_can_be_stopped() -> None:
    """
    A query that waits ends when its caller goes, and its wish is forgotten.
    """
    room = Room(10)
    assert room.take(8)

    with pytest.raises(QueryError, match="was canceled") as refused:
        room.share(5, 10, never(Course(60)))

    assert ("canceled", 499) == (refused.value.kind, refused.value.status)
    assert room.take(2)


def test_a_share_grows_and_is_given_back() -> None:
    """
    A share takes from the room what it has not been granted yet, and returns all of it once.
    """
    room = Room(10)
    share = room.share(4, 9, steadily)

    share.hold(6)
    with pytest.raises(Again) as crowded:
        room.share(0, 9, steadily).hold(5)
    with pytest.raises(QueryError, match="too many samples"):
        share.hold(4)
    share.close()
    share.close()

    assert 5 == crowded.value.needed
    assert room.take(10)
    assert not room.take(1)


def test_what_is_read_beside_queries_waits_for_room_as_they_do() -> None:
    """
    Somebody else's samples count in the same memory, and are read again once there is room.
    """
    engine = Engine(Memory(SERIES), limits=Limits(max_samples=600))
    first, runs = Course(60), list[int]()
    engine.query("sum_over_time(up[10m])", at=600, options=Options(course=first))

    def work(share: Share) -> int:
        runs.append(share.free)
        share.hold(5)
        with suppress(Again):
            share.hold(590)
            return share.held
        first.close()
        raise Again(595)

    held = engine.beside(work, Course(60))

    assert 595 == held
    assert runs[0] < 595 <= runs[1]
    assert 600 == engine.beside(lambda share: share.free, Course(60))


class Dropping(Memory):
    """
    Series of which samples are dropped while they are read for the first time.
    """

    def __init__(self) -> None:
        super().__init__(SERIES)
        self.generations = [1, 2, 2, 2]
        """Before and after each reading."""

    def generation(self, _: Callable[[], None]) -> int:
        """
        The next of them.
        """
        return self.generations.pop(0)


def test_a_query_beneath_which_samples_were_dropped_begins_again() -> None:
    """
    An answer is of one state: what was read before and after a drop is read again.
    """
    source = Dropping()

    answer = Engine(source).query("count(up)", at=600)

    assert ([10.0], []) == (answer.series[0].values.tolist(), source.generations)


@pytest.mark.parametrize(
    "query",
    [
        'label_replace(vector(1), "a", "%s", "", "")' % ("x" * 5000),
        'label_join(label_replace(vector(1), "a", "%s", "", ""), "b", "", "a", "a")' % ("x" * 3000),
        'label_replace(label_replace(vector(1), "a", "%s", "", ""), "a", "$1$1", "a", "(.*)")'
        % ("x" * 3000),
    ],
    ids=["a text", "joined", "repeated"],
)
def test_the_text_of_labels_takes_room(query: str) -> None:
    """
    A query cannot make labels that are larger than the samples that it may hold.
    """
    engine = Engine(Memory(SERIES), limits=Limits(max_samples=600))

    with pytest.raises(QueryError, match="too many samples"):
        engine.query(query, at=600)


@pytest.mark.parametrize("function", ['label_join(up, "a", "", "i")', LABEL_REPLACE])
def test_the_time_is_looked_at_for_each_label(function: str) -> None:
    """
    A query that changes labels ends with its time, not with the last of its series.
    """

    def looks(query: str) -> int:
        counted = itertools.count()
        Engine(Memory(SERIES), clock=lambda: next(counted) and 0).query(query, at=600)
        return next(counted)

    assert looks("up") + len(SERIES) <= looks(function)


def test_what_was_let_go_of_is_room_for_others() -> None:
    """
    An answer that waits to be sent holds what it consists of, not all that it was made from.
    """
    room = Room(100)
    share = room.share(0, 100, steadily)
    share.hold(90)
    share.release(80)
    before = share.free, room.free

    share.shrink()

    assert (90, 10) == before
    assert (90, 90) == (share.free, room.free)


def test_room_is_free_again_after_a_failure() -> None:
    """
    A query that fails after it read gives back what it held.
    """
    engine = Engine(Memory(SERIES), limits=Limits(max_samples=600))

    for _ in range(5):
        with pytest.raises(QueryError, match="many-to-many"):
            engine.query("up * on () up", at=600)

    assert 10 == len(engine.query("sum_over_time(up[10m])", at=600).series)


def test_a_query_is_stopped_between_two_steps() -> None:
    """
    A query whose caller has gone ends after what it is reading.
    """
    source = Slow(SERIES)
    source.gate = threading.Event()
    engine, course, ended = Engine(source), Course(60), list[QueryError]()

    def ask() -> None:
        with pytest.raises(QueryError) as refused:
            engine.query("up + up", at=600, options=Options(course=course))
        ended.append(refused.value)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: source.asked)
    course.stop()
    source.gate.set()
    asking.join(60)

    assert ["canceled"] == [each.kind for each in ended]
    assert 1 == source.asked
