"""
This module notifies a file: a line of JSON for each notification.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otel_confidence.alerting.notifying.messages import Notification, webhook

_TAIL_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FileChannel:
    """
    A file that grows by a line for each notification, on disk when ``send`` returns.

    The line's ``id`` tells whether it stands there already, so that it does once even where a
    process was killed after writing.
    """

    name: str
    path: Path
    severities: tuple[str, ...] = ()

    def send(self, notification: Notification) -> None:
        """
        Append the line, unless it is there.
        """
        line = json.dumps({"id": notification.id, **webhook(notification)}, ensure_ascii=False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read()
            if any(_is(notification.id, known) for known in tail.split(b"\n")):
                return
            torn = bool(tail) and not tail.endswith(b"\n")
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _is(notification_id: str, line: bytes) -> bool:
    # A line that a killed process left unfinished does not count.
    return line.startswith(f'{{"id": "{notification_id}"'.encode()) and line.endswith(b"}")
