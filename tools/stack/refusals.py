"""
This module knows which log records Loki refuses, and with them the request that they come in.

The limits are Loki's defaults (``limits_config``), which ``loki/loki.yaml`` leaves as they are.
"""

from collections.abc import Iterator
from typing import Any, Final

from tools.stack.recorded import attributes

MOST_ENTRIES: Final = 128
"""``max_structured_metadata_entries_count``."""
METADATA_BYTES: Final = 64 * 1024
"""``max_structured_metadata_size``."""
LINE_BYTES: Final = 256 * 1024
"""``max_line_size``."""
_OWN: Final = (
    "observed_time_unix_nano", "severity_number", "severity_text", "dropped_attributes_count",
    "flags", "trace_id", "span_id",
)  # fmt: skip
"""Fields of a record that become metadata where they are set."""


def refusal(request: Any) -> str:
    """
    Why Loki refuses a request for logs; empty when it does not.
    """
    for group in request.resource_logs:
        resource = list(_entries("", attributes(group.resource.attributes)))
        for scope in group.scope_logs:
            named = {
                "scope_name": scope.scope.name,
                "scope_version": scope.scope.version,
                "scope_dropped_attributes_count": scope.scope.dropped_attributes_count,
            }
            given = {k: v for k, v in named.items() if v} | attributes(scope.scope.attributes)
            shared = [*resource, *_entries("", given)]
            for record in scope.log_records:
                if said := _said(record, shared):
                    return said
    return ""


def _said(record: Any, shared: list[tuple[str, str]]) -> str:
    own = {name: value for name in _OWN if (value := getattr(record, name))}
    entries = [*shared, *_entries("", attributes(record.attributes) | own)]
    size_bytes = sum(len(key) + len(value.encode()) for key, value in entries)
    line_bytes = len(record.body.string_value.encode())
    if len(entries) > MOST_ENTRIES:
        return f"{len(entries)} entries of metadata, more than {MOST_ENTRIES}"
    if size_bytes > METADATA_BYTES:
        return f"{size_bytes} bytes of metadata, more than {METADATA_BYTES}"
    return f"a line of {line_bytes} bytes" if line_bytes > LINE_BYTES else ""


def _entries(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Loki makes an entry of each value, also of those within maps.
    """
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _entries(f"{prefix}{key}_", value)
        else:
            yield f"{prefix}{key}", str(value)
