"""
This module lets rules run beside the server: it waits for their times and evaluates on threads.
"""

import asyncio
import glob
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import anyio
import yaml

from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.rulefiles import GroupSpec, read_files, read_text
from otel_confidence.errors import ConfigurationError
from otel_confidence.generate.rules import rule_file

BUILT_IN: Final = "built-in"
"""Stands for the rules that come with the package, in place of a path."""
_AT_ONCE: Final = 2
"""How many groups are evaluated at a time; the engine works with threads of its own."""
_LONGEST_S: Final = 60.0
"""How long to sleep at most, so that a clock that is set is noticed."""


def specs(patterns: Sequence[str]) -> list[GroupSpec]:
    """
    The rule groups that paths and glob patterns name.

    Raises:
        ConfigurationError: A pattern finds no file, or a rule is wrong.
    """
    paths: list[Path] = []
    found: list[GroupSpec] = []
    for pattern in patterns:
        if pattern == BUILT_IN:
            found.extend(read_text(yaml.safe_dump(rule_file()), BUILT_IN))
            continue
        matching = [Path(each) for each in glob.glob(pattern, recursive=True)]  # noqa: PTH207
        if not matching:
            raise ConfigurationError(f"--rules {pattern!r} finds no file")
        paths.extend(matching)
    return [*found, *read_files(paths)]


@asynccontextmanager
async def ruling(
    groups: Sequence[GroupSpec],
    shared: Surroundings,
    *,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Evaluator]:
    """
    An evaluator whose groups run at their times for as long as the block lasts.
    """
    evaluator = Evaluator(groups, shared, now_ms=int(now() * 1000))
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    tasks = [
        asyncio.create_task(_evaluate(evaluator, group, limiter, now)) for group in evaluator.groups
    ]
    try:
        yield evaluator
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
        await anyio.to_thread.run_sync(evaluator.run, group, int(now() * 1000), limiter=limiter)
