"""
This module holds what matters of a response to a request of the Prometheus HTTP API.
"""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What matters of a response.
    """

    status: int
    kind: str
    text: str

    @property
    def body(self) -> Any:
        """
        The content, read as JSON where it is.
        """
        return json.loads(self.text) if self.kind == "application/json" else self.text

    @property
    def error(self) -> str:
        """
        Why it was refused.
        """
        body = self.body
        return str(body.get("error", "")) if isinstance(body, dict) else ""

    def __str__(self) -> str:
        return f"{self.status} {self.kind} {self.error}"
