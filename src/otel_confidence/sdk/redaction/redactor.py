"""
This module decides what of a text leaves the process: off, hashed, or scrubbed and bounded.
"""

import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.redaction.capture import Capture
from otel_confidence.sdk.redaction.pattern import Gate, Pattern
from otel_confidence.sdk.redaction.scrubbing import KINDS, Scrubber, chosen, mark
from otel_confidence.settings import Settings
from otel_confidence.text import COMMENT_LIMIT, LABEL_LIMIT, clean, label_text, type_name

Redact = Callable[[str, str], str | None]
"""A user's redaction: takes a field's name and scrubbed text, gives what leaves, or None."""

_MARGIN: Final = 512
"""Characters that are read beyond a text's limit, so that no secret is cut into half a one."""
_LONG_NUMBER: Final = 10**8
_NAMES: Final = 256
_ITEMS: Final = 128
_DEPTH: Final = 4
_FRAMES: Final = 32
_KIND: Final = r"[a-z][a-z0-9_]{0,39}"
_TELLING: Final = (
    r"(?i)(?:^|[^a-z0-9]|(?-i:(?<=[a-z])(?=[A-Z])))"
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|api[_-]?key|(?:access|private|signing)[_-]?key"
    r"|(?:access|auth|refresh|id|session|bearer|csrf)?[_-]?token|authorization|credentials?"
    r"|set-cookie|cookie|ssn)$"
)


class Redactor:
    """
    The one way out for texts that are not the library's own.

    Raises:
        ConfigurationError: a setting of redaction is wrong; the message says which.
    """

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._capture = Capture(settings.capture, key=settings.hash_key)
        own = _own(settings.redact_patterns)
        built_in = chosen(settings.redact_also, settings.redact_except)
        self.scrub: Final = Scrubber((*built_in, *own))
        """Replaces findings in a text of any length."""
        if settings.redact is not None and not callable(settings.redact):
            raise ConfigurationError(
                f"redact must take a field's name and its text, got {settings.redact!r}"
            )
        self._redact = settings.redact
        self._guard = guard

    def text(self, field: str, text: str, tidy: Callable[[str, int], str] = clean) -> str | None:
        """
        What leaves of a field's text, on one line; None where the field stays inside.

        Args:
            field: a field of ``capture``, or one of a group such as ``attributes.user``.
            text: the whole text.
            tidy: makes a text printable and cuts it.
        """
        keep = self._capture.of(field)
        if not keep.limit:
            return None
        if keep.hashed:
            return self._capture.digest(str.__getitem__(text, slice(None)))
        scrubbed = self.whole(text, keep.limit)
        return (
            tidy(scrubbed, keep.limit)
            if self._redact is None
            else self._asked(field, scrubbed, keep.limit, tidy)
        )

    def label(self, field: str, value: Any) -> str | None:
        """
        What leaves of a label: its text, the same for equal labels of different libraries.
        """
        with self._guard("redaction.label"):
            return self.text(field, self.readable(field, value))
        return None

    def readable(self, field: str, value: Any) -> str:
        """
        The text of a label, bounded and scrubbed, for ``text()`` to settle what leaves of it.

        A label that is to be hashed is not scrubbed: two addresses are two labels.
        """
        whole = label_text(value)
        if whole is None:
            return type_name(value)
        if not isinstance(value, str) or self._capture.of(field).hashed:
            return whole
        seen = str.__getitem__(value, slice(LABEL_LIMIT + _MARGIN))
        if self.scrub(seen) == seen:
            return whole
        return label_text(self.whole(value)) or ""

    def prepared(self, field: str, text: str) -> str:
        """
        A text bounded and scrubbed, for ``text()`` to settle later what leaves of it.
        """
        keep = self._capture.of(field)
        if keep.hashed or not keep.limit:
            return clean(text, keep.limit) if keep.limit else ""
        return clean(self.whole(text, keep.limit), keep.limit)

    def hides(self, field: str, text: str) -> bool:
        """
        Whether a text must not be read outside as it stands.
        """
        keep = self._capture.of(field)
        return not keep.limit or keep.hashed or self.scrub(text) != text

    def values(self, group: str, values: Mapping[Any, Any]) -> dict[str, str]:
        """
        What leaves of a group's values, such as inputs: those that were switched on, as text.
        """
        found: dict[str, str] = {}
        for name, value in list(values.items())[:_ITEMS]:
            if isinstance(name, str):
                field = f"{group}.{name}"
                secret = self._capture.of(field).limit and _is_secret(name)
                text = mark("secret") if secret else self.label(field, value)
                if text is not None:
                    found[f"{group}.{self.name(name)}"] = text
        return found

    def attribute(self, name: str, value: Any, *, depth: int = _DEPTH) -> Any:
        """
        What leaves of a span's or event's attribute; None where nothing does.
        """
        if value is None or isinstance(value, (bool, float)):
            return value
        if _is_secret(name):
            return mark("secret")
        if isinstance(value, int):
            return self._number(value)
        if isinstance(value, (list, tuple)) and depth:
            inner = [self.attribute(name, v, depth=depth - 1) for v in value[:_ITEMS]]
            return [v for v in inner if v is not None]
        return self._attribute_text(name, value, depth)

    def name(self, name: str) -> str:
        """
        A model's, attribute's or span's name, scrubbed: names go on metrics too.
        """
        return self.scrub(clean(name))

    def exception(self, error: BaseException) -> dict[str, str]:
        """
        The attributes of an exception's event, by OpenTelemetry's conventions.
        """
        kind = type(error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        found: dict[str, str | None] = {"exception.type": clean(f"{module}{kind.__qualname__}")}
        with self._guard("redaction.exception"):
            found["exception.message"] = self.text("exception", str(error))
        with self._guard("redaction.stacktrace"):
            if self._capture.of("stacktrace").limit:
                lines = traceback.format_exception(kind, error, error.__traceback__, limit=-_FRAMES)
                found["exception.stacktrace"] = self.text("stacktrace", "".join(lines), _lines)
        return {name: text for name, text in found.items() if text is not None}

    def whole(self, text: str, limit: int = COMMENT_LIMIT) -> str:
        """
        A text scrubbed as far as anything of it may leave, and not cut to its limit yet.

        Nothing is left at the end of which only a part was seen: half a secret is no pattern's.
        """
        seen = str.__getitem__(text, slice(limit + _MARGIN))
        if str.__len__(text) == len(seen):
            return self.scrub(seen)
        return self.scrub(seen)[:-_MARGIN] + "\u2026"

    def _asked(
        self, field: str, text: str, limit: int, tidy: Callable[[str, int], str]
    ) -> str | None:
        """
        What the user's redaction leaves of a text; nothing where it fails.
        """
        with self._guard("redact"):
            answer = None if self._redact is None else self._redact(field, text)
            if answer is None:
                return None
            if isinstance(answer, str):
                return tidy(answer, limit)
            raise TypeError(f"redact must return text or None, got {type_name(answer)}")
        return None

    def _attribute_text(self, name: str, value: Any, depth: int) -> Any:
        """
        What leaves of a text, and of everything that OpenTelemetry would make a text of.
        """
        if isinstance(value, str):
            return self.text(f"attributes.{name}", value)
        if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)) and depth:
            return self.attribute(name, value.item(), depth=depth - 1)
        text = label_text(value)
        return self.text(f"attributes.{name}", type_name(value) if text is None else text)

    def _number(self, value: int) -> Any:
        """
        A number, unless its digits are somebody's.
        """
        if -_LONG_NUMBER < value < _LONG_NUMBER:
            return value
        text = label_text(value)
        return value if text is not None and self.scrub(text) == text else mark("number")


def _is_secret(name: str) -> bool:
    """
    Whether a value is secret by its name.
    """
    return re.search(_TELLING, str.__getitem__(name, slice(_NAMES))) is not None


def _own(patterns: Mapping[str, Any] | None) -> tuple[Pattern, ...]:
    """
    The user's patterns; they are tried on every text.
    """
    if patterns is not None and not isinstance(patterns, Mapping):
        raise ConfigurationError(
            f"redact_patterns must map kinds to regular expressions, got {patterns!r}"
        )
    if not patterns:
        return ()
    from otel_confidence.sdk.redaction.safety import checked  # only whoever has patterns needs it

    for kind in patterns:
        if not isinstance(kind, str) or not re.fullmatch(_KIND, kind) or kind in KINDS:
            raise ConfigurationError(
                f"redact_patterns must name kinds of its own, such as 'employee_id', got {kind!r}"
            )
    return tuple(
        Pattern(kind, "", checked(kind, pattern), Gate.ANY) for kind, pattern in patterns.items()
    )


def _lines(text: str, limit: int) -> str:
    """
    A text of several lines, cut, each of them clean.
    """
    kept = text if len(text) <= limit else text[: limit - 1] + "\u2026"
    return "\n".join(clean(line, limit) for line in kept.splitlines())
