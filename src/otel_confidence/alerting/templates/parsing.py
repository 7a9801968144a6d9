"""
This module reads templates in the language of Go's text/template.
"""

from collections.abc import Collection
from typing import Any, Final

from otel_confidence.alerting.templates import nodes
from otel_confidence.alerting.templates.lexing import Token, tokens
from otel_confidence.alerting.templates.literals import literal
from otel_confidence.errors import TemplateError

_BRANCHES: Final = frozenset({"if", "with", "range"})
_ENDS: Final = frozenset({"end", "else"})
_LITERALS: Final = frozenset({"string", "raw", "char", "number"})
_CONSTANTS: Final = {"true": True, "false": False, "nil": None}
_END: Final = Token("end of template", "", 0)
MAX_DEPTH: Final = 100


def parse(
    template: str, functions: Collection[str], variables: Collection[str] = ()
) -> nodes.Template:
    """
    A template's tree.

    Args:
        template: Its text.
        functions: The names that it may call.
        variables: The variables, with their dollar, that it begins with.

    Raises:
        TemplateError: It is none, or calls what does not exist.
    """
    return _Reader(template, functions, variables).template()


class _Reader:
    def __init__(
        self, template: str, functions: Collection[str], variables: Collection[str]
    ) -> None:
        self._tokens = list(tokens(template))
        self._at = 0
        self._functions = functions
        self._variables = ["$", *variables]
        self._defined: dict[str, nodes.Body] = {}
        self._loops = 0
        self._depth = 0

    def template(self) -> nodes.Template:
        body, ended = self._body(top=True)
        if ended:
            raise self._fault(f"unexpected {{{{{ended}}}}}")
        return nodes.Template(body, self._defined)

    def _fault(self, message: str) -> TemplateError:
        before = self._tokens[: max(self._at, 1)]
        return TemplateError(f"line {before[-1].line if before else 1}: {message}")

    def _peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _skip(self) -> bool:
        spaced = self._peek().kind == "space"
        if spaced:
            self._at += 1
        return spaced

    def _meaningful(self) -> Token:
        self._skip()
        return self._peek()

    def _take(self, kind: str, text: str | None = None) -> Token:
        token = self._meaningful()
        if token.kind != kind or (text is not None and token.text != text):
            expected = text or {"close": "}}"}.get(kind, kind)
            raise self._fault(f"expected {expected}, got {token.text or token.kind}")
        return self._next()

    def _body(self, *, top: bool = False) -> tuple[nodes.Body, str]:
        """
        What stands up to ``end`` or ``else``, and which of them it was.
        """
        found: list[Any] = []
        while self._peek() is not _END:
            token = self._next()
            if token.kind == "text":
                found.append(nodes.Text(token.text))
                continue
            word = self._meaningful()
            if word.kind == "word" and word.text in _ENDS:
                self._next()
                return tuple(found), word.text
            found.extend(self._action(word, top=top))
        if not top:
            raise self._fault("unexpected end of template, an {{end}} is missing")
        return tuple(found), ""

    def _action(self, word: Token, *, top: bool) -> list[Any]:
        if word.kind == "word" and word.text in _BRANCHES:
            self._next()
            return [self._branch(word.text)]
        if word.kind == "word" and word.text in ("break", "continue"):
            return [self._leap()]
        if word.kind == "word" and word.text in ("define", "block", "template"):
            return self._named(self._next().text, top=top)
        action = nodes.Action(self._pipeline())
        self._take("close")
        return [action]

    def _leap(self) -> nodes.Leap:
        word = self._next().text
        self._take("close")
        if not self._loops:
            raise self._fault(f"{{{{{word}}}}} outside {{{{range}}}}")
        return nodes.Leap(word)

    def _branch(self, kind: str) -> nodes.Branch:
        known, self._depth = len(self._variables), self._depth + 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"nested more than {MAX_DEPTH} deep")
        pipeline = self._pipeline(most=2 if kind == "range" else 1)
        self._take("close")
        inside = len(self._variables)
        self._loops += kind == "range"
        body, ended = self._body()
        self._loops -= kind == "range"
        del self._variables[inside:]
        otherwise = self._otherwise(kind) if ended == "else" else self._closed()
        del self._variables[known:]
        self._depth -= 1
        return nodes.Branch(kind, pipeline, body, otherwise)

    def _closed(self) -> nodes.Body:
        self._take("close")
        return ()

    def _otherwise(self, kind: str) -> nodes.Body:
        word = self._meaningful()
        if word.kind == "word" and word.text == kind and kind != "range":
            self._next()
            return (self._branch(kind),)
        self._take("close")
        body, ended = self._body()
        if ended != "end":
            raise self._fault("unexpected {{else}}")
        self._take("close")
        return body

    def _named(self, kind: str, *, top: bool) -> list[Any]:
        token = self._meaningful()
        if token.kind not in ("string", "raw"):
            raise self._fault(f"expected a template's name after {kind}, got {token.text!r}")
        name, line = str(literal(self._next())), token.line
        if kind == "define":
            if not top:
                raise self._fault("unexpected {{define}} within another action")
            self._take("close")
            self._define(name)
            return []
        pipeline = None if self._meaningful().kind == "close" else self._pipeline()
        self._take("close")
        if kind == "block":
            self._define(name)
        return [nodes.Inclusion(name, pipeline, line)]

    def _define(self, name: str) -> None:
        outer, self._variables = self._variables, ["$"]
        body, ended = self._body()
        if ended != "end":
            raise self._fault("unexpected {{else}} in a definition")
        self._take("close")
        self._variables = outer
        self._defined[name] = body

    def _pipeline(self, *, most: int = 1) -> nodes.Pipeline:
        line = self._meaningful().line
        variables, declares = self._targets(most)
        commands = [self._command()]
        while self._meaningful().text == "|" and self._peek().kind == "sign":
            self._next()
            commands.append(self._command())
        for late in commands[1:]:
            if not isinstance(late.words[0], nodes.Name | nodes.Fields):
                raise self._fault("what is piped into must be a function")
        if declares:
            self._variables.extend(variables)
        return nodes.Pipeline(tuple(commands), tuple(variables), declares, line)

    def _targets(self, most: int) -> tuple[list[str], bool]:
        start, names = self._at, []
        while self._meaningful().kind == "variable":
            names.append(self._next().text)
            sign = self._meaningful().text
            if sign == "," and len(names) < most:
                self._next()
                continue
            if sign in (":=", "="):
                self._next()
                for name in names if sign == "=" else ():
                    self._check_variable(name)
                return names, sign == ":="
            break
        self._at = start
        return [], False

    def _check_variable(self, name: str) -> None:
        if name not in self._variables:
            raise self._fault(f"undefined variable {name!r}")

    def _command(self) -> nodes.Command:
        line, words = self._meaningful().line, []
        while True:
            word = self._operand()
            if word is not None:
                words.append(word)
            if not self._skip():
                break
        token = self._peek()
        if not (token.kind == "close" or (token.kind == "sign" and token.text in "|)")):
            raise self._fault(f"unexpected {token.text or token.kind} in an action")
        if not words:
            raise self._fault("a command is missing")
        if len(words) > 1 and isinstance(words[0], nodes.Literal):
            raise self._fault(f"can't give arguments to {words[0].value!r}, which is no function")
        return nodes.Command(tuple(words), line)

    def _operand(self) -> Any:
        base = self._term()
        if base is None:
            return None
        names = []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        if not names:
            return base
        if isinstance(base, nodes.Literal):
            raise self._fault(f"a constant has no field {names[0]!r}")
        if isinstance(base, nodes.Fields):
            return nodes.Fields(base.base, (*base.names, *names))
        return nodes.Fields(base, tuple(names))

    def _term(self) -> Any:
        token = self._peek()
        if token.kind in _LITERALS:
            return nodes.Literal(literal(self._next()))
        if token.kind == "field":
            return nodes.Fields(nodes.Dot(), (self._next().text[1:],))
        if token.kind == "variable":
            self._check_variable(token.text)
            return nodes.Variable(self._next().text)
        if token.kind == "word":
            return self._word(self._next())
        return self._sign(token.text) if token.kind == "sign" else None

    def _sign(self, text: str) -> Any:
        if text == ".":
            self._next()
            return nodes.Dot()
        return self._parenthesized() if text == "(" else None

    def _word(self, token: Token) -> Any:
        if token.text in _CONSTANTS:
            return nodes.Literal(_CONSTANTS[token.text])
        if token.text not in self._functions:
            raise self._fault(f"function {token.text!r} is not defined")
        return nodes.Name(token.text)

    def _parenthesized(self) -> nodes.Pipeline:
        self._next()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"nested more than {MAX_DEPTH} deep")
        pipeline = self._pipeline()
        self._take("sign", ")")
        self._depth -= 1
        return pipeline
