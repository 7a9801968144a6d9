"""
This module lets rules run beside the server: it waits for their times and evaluates on threads.
"""

import asyncio
import glob
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import yaml

from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Group, Storage, Surroundings
from otel_confidence.alerting.notifying.alertmanagers import Alertmanager
from otel_confidence.alerting.notifying.book import Book
from otel_confidence.alerting.notifying.channels import channel_of
from otel_confidence.alerting.notifying.desk import Desk
from otel_confidence.alerting.notifying.notifier import (
    AFTER_RESTART_MS,
    Channel,
    Inhibition,
    Notifier,
)
from otel_confidence.alerting.notifying.routes import Pace
from otel_confidence.alerting.rulefiles import GroupSpec, read_files, read_text
from otel_confidence.alerting.service import Alerting, Listeners
from otel_confidence.errors import ConfigurationError, OtelConfidenceError
from otel_confidence.generate import slos
from otel_confidence.generate.rules import INHIBITIONS, PAGES, Links, rule_file
from otel_confidence.objectives import Objective
from otel_confidence.objectives import read as read_objectives
from otel_confidence.objectives.windows import KEPT_DAYS, MARGIN_DAYS
from otel_confidence.server.jobs import EVERY_S
from otel_confidence.server.rule_health import rule_health
from otel_confidence.server.runbooks import PATH

BUILT_IN: Final = "built-in"
"""Stands for the rules that come with the package, in place of a path."""
OWN_RUNBOOKS: Final = f"{{{{ externalURL }}}}{PATH}"
"""The runbooks that this server serves, as templates of alerts name them."""
BOOK: Final = "alerts.sqlite"
"""The file in the data folder that remembers incidents, silences and who was told what."""
_AT_ONCE: Final = 2
"""How many groups are evaluated at a time; the engine works with threads of its own."""
_LONGEST_S: Final = 60.0
"""How long to sleep at most, so that a clock that is set is noticed."""
_LOOK_S: Final = 1.0
_SWEEP_S: Final = 10.0
_GRACE_S: Final = 5.0
"""How long an evaluation that is under way may take when the server ends."""
_log = logging.getLogger(__name__)


def specs(
    patterns: Sequence[str],
    objectives: Sequence[Path] = (),
    *,
    kept_days: float = KEPT_DAYS,
    runbooks: str = OWN_RUNBOOKS,
) -> list[GroupSpec]:
    """
    The rule groups that paths and glob patterns name, and those of files of objectives.

    Args:
        patterns: The paths and patterns; ``BUILT_IN`` stands for the rules that come along.
        objectives: Files of objectives.
        kept_days: How long samples are kept.
        runbooks: Address of the runbooks' page, for the links of alerts.

    Raises:
        ConfigurationError: A pattern finds no file, a rule or an objective is wrong, or samples are
            not kept for as long as an objective looks back.
    """
    # Alerts lead to the pages of this server.
    links = Links(runbooks, dashboards="{{ externalURL }}", boards=PAGES)
    paths: list[Path] = []
    found: list[GroupSpec] = []
    for pattern in patterns:
        if pattern == BUILT_IN:
            found.extend(
                read_text(yaml.safe_dump(rule_file(links=links, stack_too=False)), BUILT_IN)
            )
            continue
        matching = [Path(each) for each in glob.glob(pattern, recursive=True)]  # noqa: PTH207
        if not matching:
            raise ConfigurationError(f"--rules {pattern!r} finds no file")
        paths.extend(matching)
    promised = [objective for path in objectives for objective in read_objectives(path)]
    _check_kept(promised, kept_days)
    return [*found, *read_files(paths), *_promised(promised, objectives, links)]


def _promised(
    objectives: Sequence[Objective], paths: Sequence[Path], links: Links
) -> list[GroupSpec]:
    if not objectives:
        return []
    rules = slos.rule_file(objectives, links=links)
    return read_text(yaml.safe_dump(rules), ", ".join(map(str, paths)))


def _check_kept(objectives: Sequence[Objective], kept_days: float) -> None:
    """
    Refuse a budget whose beginning would be forgotten: it would look better than it is.
    """
    for each in sorted(objectives, key=lambda each: -each.window_days):
        needed = each.window_days + MARGIN_DAYS
        if kept_days < needed:
            raise ConfigurationError(
                f"the objective {each.id} looks back {each.window_days} days, but samples are "
                f"kept for {kept_days:g}: give --retention {needed}d or more, or the objective a "
                f"shorter window"
            )


@dataclass(frozen=True, slots=True)
class Telling:
    """
    Who is told of alerts, and how.
    """

    notify: tuple[str, ...] = field(default=(), repr=False)
    """Channels, as ``[SEVERITY[,SEVERITY]=]ADDRESS``; addresses hold secrets."""
    alertmanagers: tuple[str, ...] = ()
    """Addresses of Alertmanagers."""
    trusted_hosts: tuple[str, ...] = ()
    """Hosts that may be notified although they are not on the public internet."""
    pace: Pace = field(default_factory=Pace)

    def channels(self) -> list[Channel]:
        """
        The channels.

        Raises:
            ConfigurationError: An address means none.
        """
        return [channel_of(each, trusted_hosts=self.trusted_hosts) for each in self.notify]


@asynccontextmanager
async def ruling(
    groups: Sequence[GroupSpec],
    telling: Telling,
    store: Storage,
    *,
    folder: Path,
    external_url: str,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Alerting]:
    """
    Alerting whose groups run, and whose channels are told, for as long as the block lasts.

    Args:
        groups: The rules.
        telling: Who is told.
        store: What rules read and write.
        folder: Where is kept what alerts there are and who was told what.
        external_url: Where this server can be reached.
        now: The present in epoch seconds.
    """
    now_ms = int(now() * 1000)
    with ExitStack() as closing_all:
        book = closing_all.enter_context(closing(await asyncio.to_thread(Book.open, folder / BOOK)))
        notifier = _notifier(book, groups, telling, external_url, now_ms)
        alertmanagers = [
            closing_all.enter_context(closing(Alertmanager(url, external_url=external_url)))
            for url in telling.alertmanagers
        ]
        listeners = Listeners(notifier, alertmanagers)
        shared = Surroundings(store, tell=listeners.tell, external_url=external_url)
        evaluator = Evaluator(groups, shared, now_ms=now_ms)
        alerting = Alerting(evaluator, listeners)
        async with _running(_jobs(alerting, store, now)):
            yield alerting


def _notifier(
    book: Book, groups: Sequence[GroupSpec], telling: Telling, external_url: str, now_ms: int
) -> Notifier:
    return Notifier(
        book,
        telling.channels(),
        now_ms=now_ms,
        pace=telling.pace,
        inhibitions=[Inhibition(each.source, each.target, each.equal) for each in INHIBITIONS],
        external_url=external_url,
        patience_ms=max([AFTER_RESTART_MS, *(4 * each.interval_ms for each in groups)]),
    )


def _jobs(
    alerting: Alerting, store: Storage, now: Callable[[], float]
) -> Iterator[Coroutine[Any, Any, None]]:
    evaluator, listeners, instance = alerting.evaluator, alerting.listeners, str(os.getpid())
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    for group in evaluator.groups:
        yield _evaluate(evaluator, group, limiter, now)
    for desk, channel in listeners.notifier.desks:
        yield _deliver(listeners.notifier, desk, channel, now)
    for alertmanager in listeners.alertmanagers:
        yield _often(alertmanager.deliver, now, every_s=_LOOK_S)
    yield _often(listeners.notifier.sweep, now, every_s=_SWEEP_S)

    def report(at_ms: int) -> None:
        store.write(rule_health(alerting, instance, at_ms))

    yield _often(report, now, every_s=EVERY_S)


@asynccontextmanager
async def _running(jobs: Iterator[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _evaluate(
    evaluator: Evaluator, group: Group, limiter: anyio.CapacityLimiter, now: Callable[[], float]
) -> None:
    while True:
        left_s = evaluator.due_ms(group) / 1000 - now()
        if left_s > 0:
            await asyncio.sleep(min(left_s, _LONGEST_S))
            continue
        await _whole(
            anyio.to_thread.run_sync(evaluator.run, group, int(now() * 1000), limiter=limiter)
        )


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """
    Let work on a thread come to its end before its task does: the store closes afterwards.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=_GRACE_S)
        task.cancel()
        raise


async def _deliver(
    notifier: Notifier, desk: Desk, channel: Channel, now: Callable[[], float]
) -> None:
    def deliver(at_ms: int) -> None:
        due = desk.due_ms()
        if due is not None and due <= at_ms:
            notifier.deliver(desk, channel, at_ms)

    await _often(deliver, now, every_s=_LOOK_S)


async def _often(work: Callable[[int], None], now: Callable[[], float], *, every_s: float) -> None:
    # A limiter of its own: what waits for a slow channel keeps nobody else from a thread.
    limiter = anyio.CapacityLimiter(1)
    while True:
        try:
            await _whole(anyio.to_thread.run_sync(work, int(now() * 1000), limiter=limiter))
        except OtelConfidenceError as error:
            _log.warning("alerts: %s", error)
        await asyncio.sleep(every_s)
