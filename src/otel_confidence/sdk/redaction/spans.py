"""
This module guards our spans against what programs write on them: exceptions, statuses, attributes.

A prediction's span is the current one while the function runs, so that the function, and libraries
it uses, write on it through OpenTelemetry's API. Whatever exporters there are, ours or the
program's, see only what has passed here.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span, SpanContext, Status, StatusCode

from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.redaction.redactor import Redactor


class ScrubbedSpan(Span):
    """
    A span on which everything written is scrubbed and bounded first.
    """

    def __init__(self, span: Span, redactor: Redactor, guard: Guard) -> None:
        self._span: Final = span
        self._redactor: Final = redactor
        self._here: Final = guard("redaction.span")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._span, name)

    def end(self, end_time: int | None = None) -> None:
        """
        End the span.
        """
        self._span.end(end_time)

    def get_span_context(self) -> SpanContext:
        """
        The span's ids.
        """
        return self._span.get_span_context()

    def is_recording(self) -> bool:
        """
        Whether anything written is kept.
        """
        return self._span.is_recording()

    def set_attribute(self, key: str, value: Any) -> None:
        """
        Write one attribute.
        """
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """
        Write attributes.
        """
        with self._here:
            self._span.set_attributes(self._scrubbed(attributes))

    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        """
        Write an event.
        """
        with self._here:
            scrubbed = self._scrubbed(attributes or {})
            self._span.add_event(self._redactor.name(name), scrubbed, timestamp)

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """
        Link another span.
        """
        with self._here:
            self._span.add_link(context, self._scrubbed(attributes or {}))

    def update_name(self, name: str) -> None:
        """
        Rename the span.
        """
        with self._here:
            self._span.update_name(self._redactor.name(name))

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """
        Write how it ended; the description counts as an exception's text.
        """
        with self._here:
            if isinstance(status, Status):
                code, description = status.status_code, status.description
            else:
                code = status
            text = None if description is None else self._redactor.text("exception", description)
            self._span.set_status(Status(code, text) if code is StatusCode.ERROR else Status(code))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002  the API's own signature
    ) -> None:
        """
        Write an exception, its message and stack trace scrubbed and bounded.
        """
        with self._here:
            told = self._redactor.exception(exception) | {"exception.escaped": str(escaped)}
            more = self._scrubbed(attributes or {})
            self._span.add_event("exception", told | more, timestamp)

    def _scrubbed(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, value in attributes.items():
            if isinstance(name, str):
                kept = self._redactor.attribute(name, value)
                if kept is not None:
                    found[self._redactor.name(name)] = kept
        return found


def scrubbed(span: Span, redactor: Redactor, guard: Guard) -> Span:
    """
    The span to hand out; one that records nothing needs no guarding.
    """
    return ScrubbedSpan(span, redactor, guard) if span.is_recording() else span
