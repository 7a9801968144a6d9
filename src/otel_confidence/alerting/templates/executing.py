"""
This module carries a template out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from otel_confidence.alerting.templates import nodes
from otel_confidence.alerting.templates.builtins import BUILTINS, LAZY, Function, called
from otel_confidence.alerting.templates.moments import METHODS
from otel_confidence.alerting.templates.values import (
    Duration,
    Record,
    Texts,
    Time,
    is_true,
    text_of,
    type_of,
)
from otel_confidence.errors import TemplateError

MAX_LENGTH: Final = 1 << 20
"""Characters that a template may write."""
MAX_STEPS: Final = 200_000
"""Actions that a template may carry out, so that none runs for ever."""
_MAX_INCLUSIONS: Final = 200
_NOTHING: Final = object()


class _Break(Exception):  # noqa: N818  no error
    pass


class _Continue(Exception):  # noqa: N818  no error
    pass


def execute(
    template: nodes.Template,
    given: Any,
    functions: Mapping[str, Function],
    variables: Mapping[str, Any],
) -> str:
    """
    What a template writes.

    Args:
        template: Its tree.
        given: What it is about, which the dot stands for.
        functions: What it may call beside Go's own functions.
        variables: The variables, with their dollar, that it begins with.

    Raises:
        TemplateError: It cannot be carried out on this.
    """
    state = _State(template, given, {**BUILTINS, **functions}, variables)
    state.body(template.body, given)
    return "".join(state.written)


class _State:
    def __init__(
        self,
        template: nodes.Template,
        given: Any,
        functions: Mapping[str, Function],
        variables: Mapping[str, Any],
    ) -> None:
        self._template = template
        self._functions = functions
        self._variables: list[list[Any]] = [["$", given], *map(list, variables.items())]
        self._length = 0
        self._steps = 0
        self._inclusions = 0
        self.written: list[str] = []

    def body(self, body: nodes.Body, dot: Any) -> None:
        for node in body:
            self._step()
            self._carry_out(node, dot)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TemplateError(f"it takes more than {MAX_STEPS} steps")

    def _carry_out(self, node: Any, dot: Any) -> None:
        if isinstance(node, nodes.Text):
            self._write(node.text)
        elif isinstance(node, nodes.Action):
            value = self._pipeline(node.pipeline, dot)
            if not node.pipeline.variables:
                self._write(text_of(value))
        elif isinstance(node, nodes.Branch):
            with self._scope():
                _BRANCHES[node.kind](self, node, dot)
        elif isinstance(node, nodes.Inclusion):
            self._include(node, dot)
        else:
            raise _Break if node.kind == "break" else _Continue

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_LENGTH:
            raise TemplateError(f"it writes more than {MAX_LENGTH} characters")
        self.written.append(text)

    @contextmanager
    def _scope(self) -> Iterator[None]:
        known = len(self._variables)
        try:
            yield
        finally:
            del self._variables[known:]

    def _when(self, node: nodes.Branch, dot: Any) -> None:
        holds = is_true(self._pipeline(node.pipeline, dot))
        self.body(node.body if holds else node.otherwise, dot)

    def _about(self, node: nodes.Branch, dot: Any) -> None:
        value = self._pipeline(node.pipeline, dot)
        if is_true(value):
            self.body(node.body, value)
        else:
            self.body(node.otherwise, dot)

    def _over(self, node: nodes.Branch, dot: Any) -> None:
        rows = _rows(self._pipeline(node.pipeline, dot, bind=False))
        if not rows:
            self.body(node.otherwise, dot)
        try:
            for key, item in rows:
                self._turn(node, key, item)
        except _Break:
            return

    def _turn(self, node: nodes.Branch, key: Any, item: Any) -> None:
        self._step()
        with self._scope():
            names = node.pipeline.variables
            pair = (key, item) if len(names) > 1 else (item,)
            for name, value in zip(names, pair, strict=False):
                self._bind(name, value, declares=node.pipeline.declares)
            try:
                self.body(node.body, item)
            except _Continue:
                return

    def _include(self, node: nodes.Inclusion, dot: Any) -> None:
        if node.name not in self._template.defined:
            raise TemplateError(f"line {node.line}: template {node.name!r} not defined")
        self._inclusions += 1
        if self._inclusions > _MAX_INCLUSIONS:
            raise TemplateError(f"exceeded maximum template depth ({_MAX_INCLUSIONS})")
        inner = None if node.pipeline is None else self._pipeline(node.pipeline, dot)
        outer, self._variables = self._variables, [["$", inner]]
        self.body(self._template.defined[node.name], inner)
        self._variables = outer
        self._inclusions -= 1

    def _pipeline(self, pipeline: nodes.Pipeline, dot: Any, *, bind: bool = True) -> Any:
        value: Any = _NOTHING
        for command in pipeline.commands:
            value = self._placed(command, dot, value)
        for name in pipeline.variables if bind else ():
            self._bind(name, value, declares=pipeline.declares)
        return value

    def _placed(self, command: nodes.Command, dot: Any, piped: Any) -> Any:
        try:
            return self._command(command, dot, piped)
        except TemplateError as error:
            if str(error).startswith("line "):
                raise
            raise TemplateError(f"line {command.line}: {error}") from error

    def _bind(self, name: str, value: Any, *, declares: bool) -> None:
        if declares:
            self._variables.append([name, value])
            return
        self._slot(name)[1] = value

    def _slot(self, name: str) -> list[Any]:
        for position in range(len(self._variables) - 1, -1, -1):
            if self._variables[position][0] == name:
                return self._variables[position]
        raise TemplateError(f"undefined variable: {name}")

    def _command(self, command: nodes.Command, dot: Any, piped: Any) -> Any:
        first, rest = command.words[0], command.words[1:]
        if isinstance(first, nodes.Name):
            return self._call(first.name, rest, dot, piped)
        late = [] if piped is _NOTHING else [piped]
        if isinstance(first, nodes.Fields):
            arguments = [*(self._value(word, dot) for word in rest), *late]
            return self._chain(first, dot, arguments)
        if rest or late:
            raise TemplateError("can't give argument to non-function")
        return self._value(first, dot)

    def _call(self, name: str, words: Sequence[Any], dot: Any, piped: Any) -> Any:
        late = [] if piped is _NOTHING else [piped]
        if name in LAZY:
            if not words and not late:
                raise TemplateError(f"wrong number of args for {name}: want at least 1 got 0")
            values = [lambda word=word: self._value(word, dot) for word in words]
            return _lazily(name, [*values, *((lambda: piped,) if late else ())])
        arguments = [*(self._value(word, dot) for word in words), *late]
        return called(name, self._functions[name], arguments)

    def _value(self, word: Any, dot: Any) -> Any:
        if isinstance(word, nodes.Literal):
            return word.value
        if isinstance(word, nodes.Dot):
            return dot
        if isinstance(word, nodes.Variable):
            return self._slot(word.name)[1]
        if isinstance(word, nodes.Name):
            return self._call(word.name, (), dot, _NOTHING)
        if isinstance(word, nodes.Pipeline):
            return self._pipeline(word, dot)
        return self._chain(word, dot, [])

    def _chain(self, chain: nodes.Fields, dot: Any, arguments: list[Any]) -> Any:
        value = self._value(chain.base, dot)
        for name in chain.names[:-1]:
            value = _field(value, name, [])
        return _field(value, chain.names[-1], arguments)


_BRANCHES: Final[Mapping[str, Callable[[_State, nodes.Branch, Any], None]]] = {
    "if": _State._when,  # noqa: SLF001  of this module
    "with": _State._about,  # noqa: SLF001
    "range": _State._over,  # noqa: SLF001
}


def _lazily(name: str, values: Sequence[Callable[[], Any]]) -> Any:
    found: Any = None
    for value in values:
        found = value()
        if is_true(found) == (name == "or"):
            break
    return found


def _rows(value: Any) -> list[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, dict):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, list):
        return [*enumerate(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [(number, number) for number in range(min(value, MAX_STEPS))]
    raise TemplateError(f"range can't iterate over {text_of(value)}")


def _field(value: Any, name: str, arguments: list[Any]) -> Any:
    if isinstance(value, (Time, Duration)):
        method = METHODS[type(value)].get(name)
        if method is not None:
            bound = Function(lambda *given: method.call(value, *given), method.kinds)
            return called(name, bound, arguments)
    elif arguments:
        raise TemplateError(f"{name} has arguments but cannot be invoked as function")
    elif isinstance(value, Record) and name in value.fields:
        return value.fields[name]
    elif isinstance(value, dict):
        return value.get(name, "" if isinstance(value, Texts) else None)
    if value is None:
        raise TemplateError(f"nil data; no entry for key {name!r}")
    raise TemplateError(f"can't evaluate field {name} in type {type_of(value)}")
