"""
This module writes the reference page of what users call: names, settings and command line.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.generate import sources
from otel_confidence.sdk import extract
from otel_confidence.sdk.providers import configure
from otel_confidence.settings import PREFIX, Settings

_FRONT_DOOR: Final = "otel_confidence"
_COMMANDS: Final = "otel_confidence.cli.commands"
_TESTING: Final = "otel_confidence.testing"
"""What stands above this room is asked by name, for it is only described here."""
_ELSEWHERE: Final = ("Settings",)
"""Names of the front door that have a part of their own."""
_MEMBERS: Final = {"Call": ("receipt", "receipts", "set"), "Telemetry": ()}
"""What of a class is for users, where the rest is for the package."""

_INTRODUCTION: Final = """\
# Python API, settings and commands

```text
import otel_confidence as oc
```

Nothing here raises into a program that predicts, apart from `ConfigurationError` where a
declaration or a setting is wrong. How the parts are used: [the index](../index.md).
"""
_DECLARATIONS: Final = """\
## Declarations

What `confidence=` and `uncertainty=` of `track_confidence()` take besides a text, a number and a
callable: [how to find the confidence](../how-to/extraction.md). They are in
`otel_confidence.sdk.extract`.
"""
_SETTINGS: Final = """\
## Settings

Arguments of `configure()`, or environment variables; the sizes of tables are variables only. Where
and how telemetry is sent is OpenTelemetry's own matter: `OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_METRICS_EXPORTER`, `OTEL_TRACES_EXPORTER`,
`OTEL_LOGS_EXPORTER`, `OTEL_SERVICE_NAME`, `OTEL_SDK_DISABLED` and the others of its specification.
"""
_TESTS: Final = """\
## In tests

`otel_confidence.testing` is a pytest plugin, there as soon as the package is installed. Its fixture
`telemetry` is a `Capture`:
"""


def api_page(command: str) -> str:
    """
    ``docs/reference/api.md``.

    Raises:
        ConfigurationError: if a library of the command line or the pytest plugin is missing.
    """
    door = import_module(_FRONT_DOOR)
    names = [(name, getattr(door, name)) for name in door.__all__ if name not in _ELSEWHERE]
    declared = [(name, getattr(extract, name)) for name in extract.__all__]
    parts = (
        f"<!-- Written by `{command}`: change the docstrings instead. -->",
        _INTRODUCTION,
        "## Functions\n",
        *(_function(name, thing) for name, thing in names if not isinstance(thing, type)),
        "## Classes\n",
        *(_class(name, thing) for name, thing in names if isinstance(thing, type)),
        _DECLARATIONS,
        *(_declaration(name, thing) for name, thing in declared if isinstance(thing, type)),
        *(_function(name, thing) for name, thing in declared if not isinstance(thing, type)),
        _SETTINGS,
        _table(("argument", "variable", "default", ""), _settings()),
        "## Commands\n",
        *_commands(),
        _TESTS,
        *(_entry(text, about) for _, text, about in sources.methods(_optional(_TESTING).Capture)),
    )
    return "\n".join(parts)


def _function(name: str, function: Any) -> str:
    return f"### {name}\n\n{_entry(sources.signature(function, name), sources.prose(function))}"


def _class(name: str, kind: type) -> str:
    if issubclass(kind, Exception):
        return f"### {name}\n\n{sources.prose(kind)}\n"
    shown = _MEMBERS.get(name)
    methods = [
        _entry(text, about)
        for member, text, about in sources.methods(kind)
        if shown is None or member in shown
    ]
    return "\n".join((_declaration(name, kind), *methods))


def _declaration(name: str, kind: type) -> str:
    """
    A class without its methods: how one is made, and what its fields mean.
    """
    if not is_dataclass(kind):
        return f"### {name}\n\n{sources.prose(kind)}\n"
    fields = sources.fields(kind)
    told = "".join(f"- `{field.name}`: {field.about}\n" for field in fields if field.about)
    about = "\n\n".join(part for part in (sources.prose(kind), told.rstrip()) if part)
    return f"### {name}\n\n{_entry(sources.construction(name, fields), about)}"


def _entry(signature: str, about: str) -> str:
    return f"```text\n{signature}\n```\n\n{about}\n"


def _settings() -> Iterable[tuple[str, ...]]:
    arguments = inspect.signature(configure).parameters
    for field in sources.fields(Settings):
        from_text = "Callable" not in field.type
        variable = f"`{PREFIX}{field.name.upper()}`" if from_text else "an argument only"
        name = f"`{field.name}`" if field.name in arguments else "a variable only"
        yield name, variable, _code(field.default), field.about


def _commands() -> Iterable[str]:
    for name, command in _named(_optional(_COMMANDS).commands()):
        options = [p for p in command.params if p.param_type_name == "option"]
        places = [p.human_readable_name for p in command.params if p not in options]
        rows = (
            (f"`{' '.join(option.opts)}`", _code(_given(option)), option.help or "")
            for option in options
        )
        paragraphs = inspect.cleandoc(command.help or "").replace("\b\n", "").strip()
        yield f"### otel-confidence {' '.join((name, *places))}\n\n{paragraphs}\n"
        yield _table(("option", "default", ""), rows) if options else ""


def _named(commands: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """
    Every command by all of its words, those below a group after the group.
    """
    for name, command in sorted(commands.items()):
        yield prefix + name, command
        if hasattr(command, "commands"):
            yield from _named(command.commands, f"{prefix}{name} ")


def _given(option: Any) -> str:
    """
    An option's default as its command shows it; flags and those without one have none.
    """
    shown = not option.is_flag and isinstance(option.default, (str, int, float))
    return str(option.default) if shown else ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, tuple("---" for _ in heads), *rows)
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def _optional(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as missing:
        raise ConfigurationError(
            "writing the reference pages is for a clone of the repository, in what "
            f"`make check` sets up there: {missing}"
        ) from missing
