"""
This module runs rule groups at their times.
"""

from collections.abc import Sequence

from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.rulefiles import GroupSpec


class Evaluator:
    """
    Rule groups and when each is due.

    Whoever has a clock asks for ``due_ms`` and calls ``run``: a server waits in between, a
    simulation does not.

    Args:
        specs: The groups, in the order of their files.
        shared: What they read, write and tell.
        now_ms: The present in epoch milliseconds.
        restored: True where there is no past to restore.
    """

    def __init__(
        self,
        specs: Sequence[GroupSpec],
        shared: Surroundings,
        *,
        now_ms: int,
        restored: bool = False,
    ) -> None:
        self.groups = sorted(
            (Group(spec, shared, restored=restored) for spec in specs),
            key=lambda group: (group.spec.file, group.spec.name),
        )
        self._due = {
            id(group): group.slot_ms(now_ms) + group.spec.interval_ms for group in self.groups
        }

    def due_ms(self, group: Group) -> int:
        """
        When a group is to be evaluated next, epoch milliseconds.
        """
        return self._due[id(group)]

    def run(self, group: Group, now_ms: int) -> None:
        """
        Evaluate a group that is due, for the last of its times that have come; count the others.
        """
        due, interval = self.due_ms(group), group.spec.interval_ms
        if now_ms < due:
            return
        missed = (now_ms - due) // interval
        group.missed += missed
        self._due[id(group)] = due + (missed + 1) * interval
        group.evaluate(due + missed * interval)

    def advance(self, now_ms: int) -> None:
        """
        Evaluate whatever is due up to a time, in order of time, none left out.
        """
        while self.groups:
            group = min(self.groups, key=self.due_ms)
            due = self.due_ms(group)
            if due > now_ms:
                return
            self.run(group, due)
