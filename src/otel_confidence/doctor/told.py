"""
This module reads what Prometheus and Alertmanager tell, and notices where it is none of theirs.
"""

from dataclasses import dataclass
from typing import Any

from otel_confidence.doctor.checks import Cause
from otel_confidence.doctor.doors import Door, Reply, shown


class ForeignError(Exception):
    """
    An answer of success that the service asked for never gives.
    """

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.why)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Teller:
    """
    A service that answers in JSON; what it refuses to tell is nothing.
    """

    door: Door
    name: str
    """What people call it, which is also the option of its address in small letters."""

    def data(self, path: str, **parameters: str) -> dict[str, Any]:
        """
        What stands under ``data`` in an answer of Prometheus.

        Raises:
            ForeignError: Prometheus never answers so.
        """
        reply = self.door.get(path, **parameters)
        if not reply.well:
            return {}
        answer = reply.json()
        told = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(told, dict):
            raise self._foreign(path)
        return told

    def rows(self, path: str, *names: str, **parameters: str) -> list[dict[str, Any]]:
        """
        The mappings in a list of Prometheus's data, and in lists of these; null is an empty one.

        Raises:
            ForeignError: Prometheus never answers so.
        """
        found = [self.data(path, **parameters)]
        for name in names:
            found = [row for above in found for row in self._mappings(above.get(name), path)]
        return found

    def listed(self, reply: Reply, path: str) -> list[dict[str, Any]]:
        """
        The mappings that Alertmanager answered with.

        Raises:
            ForeignError: Alertmanager never answers so.
        """
        found = reply.json()
        if reply.well and found is None:
            raise self._foreign(path)
        return self._mappings(found, path) if reply.well else []

    def _mappings(self, found: Any, path: str) -> list[dict[str, Any]]:
        rows = [] if found is None else found
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        raise self._foreign(path)

    def _foreign(self, path: str) -> ForeignError:
        return ForeignError(
            Cause(
                f"{shown(self.door.url)} does not answer as {self.name} does, to {path}",
                f"name {self.name}'s own address with --{self.name.lower()}; a proxy or another "
                "program listens there",
            )
        )
