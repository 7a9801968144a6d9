"""
This module keeps truths and judgements told to the server: each once, durably before it answers.

An event in the store is the one record of a truth. Whether it was told before, here or by a program
that sent its own event, is looked up there by the prediction's id; the counters are derived from
these events. So a kill at any moment neither loses what was acknowledged nor counts twice what is
told again: what the counters had not reached is counted from the events when the server starts.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from otel_confidence import conventions as c
from otel_confidence import outcomes
from otel_confidence.errors import StoreError
from otel_confidence.ingest import truth_series
from otel_confidence.ingest.truth_records import Told
from otel_confidence.ingest.truth_series import Tally
from otel_confidence.ingest.values import number
from otel_confidence.points import NAME_LABEL, Batch, Event, Matcher, Samples, Selection

JOB: Final = "otel-confidence"
INSTANCE: Final = "up"
"""The same after a restart, since the counters go on."""
RESOURCE: Final[Mapping[str, str]] = {
    c.SERVICE_NAME.name: JOB,
    "service.instance.id": INSTANCE,
}
"""What events of truths say of their origin; a program's resource names its SDK too."""
_IDENTITY: Final = {"job": JOB, "instance": INSTANCE}
_INFO: Final = 9
"""OpenTelemetry's severity number of INFO."""
_FULL_MS: Final = 60_000
"""Every series is written again at least this often, also between reports."""
_LOOK_BACK_MS: Final = 5 * _FULL_MS
_NS_PER_MS: Final = 1_000_000
_EVENTS: Final = (c.OUTCOME_KNOWN, c.FEEDBACK)
_IDENTITIES: Final = {
    c.OUTCOME_KNOWN.name: c.PREDICTION_ID.name,
    c.FEEDBACK.name: c.FEEDBACK_ID.name,
}
_log = logging.getLogger(__name__)


class Journal(Protocol):
    """
    What truths need of the store.
    """

    def write(self, batch: Batch) -> None:
        """
        Keep a batch durably.
        """

    def told(self, event: str, predictions: Sequence[str], attribute: str) -> set[str]:
        """
        The values that an attribute has on the events of one name about these predictions.
        """

    def events(
        self, name: str, resource: Mapping[str, str], after_ns: int
    ) -> Iterable[tuple[int, Mapping[str, str]]]:
        """
        Time and attributes of one program's events of one name that are later.
        """

    def newest_ms(self, matchers: Sequence[Matcher]) -> int | None:
        """
        The time of the last sample of matching series.
        """

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Selection]:
        """
        The samples of matching series.
        """


class Truths:
    """
    Keeps each truth once. Blocks as long as the store does; safe for use by many threads.
    """

    def __init__(
        self, journal: Journal, *, max_models: int = 200, now: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._max_models = max_models
        self._now = now
        self._lock = threading.Lock()
        self._tally: Tally | None = None
        self._last_ms = 0
        self._full_ms = 0

    def keep(self, told: Sequence[Told]) -> list[bool]:
        """
        Keep what is new; whether each was. What is told is of one kind.

        Raises:
            StoreBusy: The store is full; nothing was kept.
            StoreError: The store failed; what was kept will be recognized when it is told again.
        """
        with self._lock:
            tally = self._ready()
            new = self._new(told)
            if any(new):
                self._tick()
                self._write([self._event(t, tally) for t, n in zip(told, new, strict=True) if n])
        return new

    def report(self) -> None:
        """
        Write every counter, so that queries find them now.

        Raises:
            StoreError: The store failed.
        """
        with self._lock:
            tally = self._ready()
            self._tick()
            self._publish(tally, every=True)

    def _new(self, told: Sequence[Told]) -> list[bool]:
        """
        Whether each is told for the first time, here or before.
        """
        known: set[str] = set()
        if told:
            event = told[0].event.name
            predictions = list(dict.fromkeys(each.prediction for each in told))
            known = self._journal.told(event, predictions, _IDENTITIES[event])
        new = []
        for each in told:
            new.append(each.identity not in known)
            known.add(each.identity)
        return new

    def _event(self, told: Told, tally: Tally) -> Event:
        model, version = tally.model(told.model, told.version)
        attributes = {c.EVENT_NAME.name: told.event.name, **outcomes.of_model(model, version)}
        for name, value in told.attributes.items():
            attributes[name] = value if isinstance(value, str) else number(value)
        link = told.link
        return Event(
            time_ns=self._last_ms * _NS_PER_MS,
            name=told.event.name,
            severity=_INFO,
            severity_text=told.event.severity,
            body=told.event.about,
            trace_id=f"{link.trace_id:032x}" if link.trace_id else "",
            span_id=f"{link.span_id:016x}" if link.trace_id else "",
            attributes=attributes,
            resource=dict(RESOURCE),
        )

    def _write(self, events: list[Event]) -> None:
        """
        Write events, then the counters that follow from them.

        Where it fails, the counters are read from the store again before anything else is counted.
        """
        tally, self._tally = self._ready(), None
        self._journal.write(Batch(events=events))
        self._tally = tally
        for event in events:
            tally.count(event.name, event.attributes)
        try:
            self._publish(tally, every=self._last_ms - self._full_ms > _FULL_MS)
        except StoreError as error:
            _log.warning("the counters of truths will be written later: %s", error)

    def _publish(self, tally: Tally, *, every: bool) -> None:
        samples = tally.samples(self._last_ms, every=every)
        if samples:
            about = list(truth_series.about())
            self._journal.write(Batch(samples=Samples.of(samples), metadata=about))
            tally.stored()
        if every:
            self._full_ms = self._last_ms

    def _tick(self) -> None:
        """
        Go on to a time that is later than all before: samples cover the events up to their time.
        """
        self._last_ms = max(int(self._now() * 1000), self._last_ms + 1)

    def _ready(self) -> Tally:
        """
        The counters, read from the store at first and after a failure.
        """
        if self._tally is None:
            tally = Tally(_IDENTITY, max_models=self._max_models)
            wanted = _matchers()
            newest_ms = self._journal.newest_ms(wanted) or 0
            if newest_ms:
                tally.resume(self._journal.select(wanted, newest_ms - _LOOK_BACK_MS, newest_ms))
            self._last_ms = max(self._last_ms, newest_ms, self._counted(tally, newest_ms))
            self._full_ms = 0
            self._tally = tally
        return self._tally

    def _counted(self, tally: Tally, after_ms: int) -> int:
        """
        Count the events that no sample covers yet; the time of the last of them.
        """
        last_ns = 0
        for event in _EVENTS:
            found = self._journal.events(event.name, RESOURCE, after_ms * _NS_PER_MS)
            for time_ns, told in found:
                tally.model(told.get(c.MODEL_NAME.name, ""), told.get(c.MODEL_VERSION.name, ""))
                tally.count(event.name, told)
                last_ns = max(last_ns, time_ns)
        return -(-last_ns // _NS_PER_MS)


def _matchers() -> list[Matcher]:
    names = "|".join(truth_series.NAMES)
    identity = [Matcher(label, "=", value) for label, value in _IDENTITY.items()]
    return [Matcher(NAME_LABEL, "=~", names), *identity]
