"""
This module cuts the text of an expression into tokens, exactly where Prometheus's lexer does.

What a mistake is called, and where it is said to be, follows Prometheus 3.9.1
(``promql/parser/lex.go``): people look for that place in their text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from otel_confidence.query.literals import quoted
from otel_confidence.query.promql.scanning import Mistake, Scan, is_digit, is_letter

AGGREGATIONS: Final = frozenset(
    {
        "avg", "bottomk", "count", "count_values", "group", "limit_ratio", "limitk", "max", "min",
        "quantile", "stddev", "stdvar", "sum", "topk",
    }
)  # fmt: skip
KEYWORDS: Final = frozenset(
    {
        "anchored", "bool", "by", "group_left", "group_right", "ignoring", "offset", "on",
        "smoothed", "without",
    }
)  # fmt: skip
WORDS: Final = AGGREGATIONS | KEYWORDS | {"and", "atan2", "end", "or", "start", "step", "unless"}
OPERATORS: Final = frozenset(
    {
        "!=", "!~", "%", "*", "+", "-", "/", "<", "<=", "==", "=~", ">", ">=", "@", "^",
        "and", "atan2", "or", "unless",
    }
)  # fmt: skip
IDENTIFIER: Final = "identifier"
METRIC: Final = "metric identifier"
NUMBER: Final = "number"
DURATION: Final = "duration"
STRING: Final = "string"
END: Final = "end of input"
FAULT: Final = "fault"
"""Not a token: what is wrong with the text is in its ``text``."""
_OTHERS: Final = frozenset({DURATION, IDENTIFIER, METRIC, NUMBER, STRING})
_SHOWN: Final = 10
"""Characters of a token that a message shows."""
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_COMMENT: Final = re.compile(r"#[^\r\n]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LETTERS: Final = re.compile(r"[A-Za-z_]+")
_SIGN: Final = re.compile(r"==|!=|<=|>=|[,*/%+\-^=<>@]")
_DURATION: Final = re.compile(r"[smhdwy]s?(?:[0-9]+[smhdw]s?)*(?![0-9A-Za-z_])")
_PLAIN_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?![0-9A-Za-z_.])")
_STRING: Final = {
    '"': re.compile(r'"[^"\\\n\ud800-\udfff\ufffd]*"'),
    "'": re.compile(r"'[^'\\\n\ud800-\udfff\ufffd]*'"),
    "`": re.compile(r"`[^`\ud800-\udfff\ufffd]*`"),
}
"""Strings that nothing is wrong with, and that need no closer look."""


@dataclass(frozen=True, slots=True)
class Token:
    """
    A word, number, string or sign, and where it begins.
    """

    kind: str
    """One of the kinds above; of reserved words and signs the word or sign itself."""
    text: str
    start: int

    def __str__(self) -> str:
        """
        The token as messages name it.
        """
        if self.kind == END:
            return END
        if self.kind in _OTHERS:
            return f"{self.kind} {self._shown()}"
        if self.kind in OPERATORS:
            return f"<op:{self.text}>"
        if self.kind in AGGREGATIONS:
            return f"<aggr:{self.text}>"
        return f"<{self.text}>" if self.kind in KEYWORDS else self._shown()

    def _shown(self) -> str:
        if self.kind in (IDENTIFIER, METRIC) or len(self.text) <= _SHOWN:
            return quoted(self.text)
        return f"{quoted(self.text[:_SHOWN])}..."


class Tokens:
    """
    Gives the tokens of a text one after the other, without its spaces and comments.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._round = 0
        self._in_braces = False
        self._in_brackets = False
        self._colon = False
        self._duration = False
        """Whether any number stood in brackets so far; only then may a colon follow at once."""
        self._read: Callable[[], Token | None] = self._statement

    def next(self) -> Token:
        """
        The next token; after the last one, and after a fault, for ever the same.
        """
        try:
            while True:
                token = self._read()
                if token is not None:
                    return token
        except Mistake as fault:
            self._position = len(self._text)
            return Token(FAULT, str(fault), fault.start)

    def _peek(self, ahead: int = 0) -> str:
        at = self._position + ahead
        return self._text[at : at + 1]

    def _emit(self, kind: str, length: int) -> Token:
        start = self._position
        self._position += length
        return Token(kind, self._text[start : self._position], start)

    def _skipped(self) -> bool:
        found = _SPACE.match(self._text, self._position)
        if found is None and self._peek() == "#":
            found = _COMMENT.match(self._text, self._position)
        if found is not None:
            self._position = found.end()
        return found is not None

    def _statement(self) -> Token | None:  # noqa: PLR0911  one for each kind
        if self._in_braces:
            return self._inside_braces()
        if self._skipped():
            return None
        character = self._peek()
        if not character:
            return self._end()
        if is_digit(character) or (character == "." and is_digit(self._peek(1))):
            return self._number_or_duration()
        if is_letter(character) or character == ":":
            return self._letter(character)
        if character in _STRING:
            return self._string(character)
        if character in "(){}[]":
            return self._bracket(character)
        return self._sign(character)

    def _end(self) -> Token:
        if self._round:
            raise Mistake("unclosed left parenthesis", self._position)
        if self._in_brackets:
            raise Mistake("unclosed left bracket", self._position)
        return Token(END, "", self._position)

    def _sign(self, character: str) -> Token:
        found = _SIGN.match(self._text, self._position)
        if found is None and character == "!":
            after = quoted(self._peek(1), "'") if self._peek(1) else "'\ufffd'"
            raise Mistake(f"unexpected character after '!': {after}", self._position)
        if found is None:
            shown = quoted(character, "'")
            raise Mistake(f"unexpected character: {shown}", self._position)
        if found[0] == "=" and self._peek(1) == "~":
            raise Mistake("unexpected character after '=': '~'", self._position)
        return self._emit(found[0], len(found[0]))

    def _bracket(self, character: str) -> Token:
        token = self._emit(character, 1)
        if character == "(":
            self._round += 1
        elif character == ")":
            self._close_round()
        elif character == "{":
            self._in_braces = True
        elif character == "[":
            self._open_range(token)
        elif character == "]":
            if not self._in_brackets:
                raise Mistake("unexpected right bracket ']'", token.start)
            self._in_brackets = False
        else:
            raise Mistake(f"unexpected character: {quoted(character, chr(39))}", token.start)
        return token

    def _close_round(self) -> None:
        self._round -= 1
        if self._round < 0:
            raise Mistake("unexpected right parenthesis ')'", self._position)

    def _open_range(self, token: Token) -> None:
        if self._in_brackets:
            raise Mistake("unexpected left bracket '['", token.start)
        self._in_brackets, self._colon = True, False
        self._read = self._duration_expression

    def _letter(self, character: str) -> Token:
        if not self._in_brackets:
            return self._word()
        if character == ":":
            if self._colon:
                raise Mistake("unexpected colon ':'", self._position)
            self._colon = True
            return self._emit(":", 1)
        if character in "sSmM":
            word = self._duration_word()
            if word is not None:
                return word
        shown = quoted(character, "'")
        raise Mistake(f"unexpected character: {shown}, expected ':'", self._position)

    def _word(self) -> Token:
        found = _WORD.match(self._text, self._position)
        word = found[0] if found else ""
        lowered = word.lower()
        if lowered in WORDS:
            return self._emit(lowered, len(word))
        if lowered in ("inf", "nan"):
            return self._emit(NUMBER, len(word))
        return self._emit(METRIC if ":" in word else IDENTIFIER, len(word))

    def _duration_word(self) -> Token | None:
        found = _LETTERS.match(self._text, self._position)
        word = found[0] if found else ""
        if word.lower() not in ("step", "min", "max"):
            return None
        return self._emit(word.lower(), len(word))

    def _duration_expression(self) -> Token | None:
        character = self._peek()
        if not character:
            raise Mistake("unexpected end of input in duration expression", self._position)
        found = _SPACE.match(self._text, self._position)
        if found is not None:
            self._position = found.end()
            return None
        if character in "+-*/%^,(":
            self._round += character == "("
            return self._emit(character, 1)
        return self._duration_part(character)

    def _duration_part(self, character: str) -> Token:
        if character == ")":
            token = self._emit(character, 1)
            self._close_round()
            return token
        if character == ":":
            return self._early_colon()
        word = self._duration_word() if character in "sSmM" else None
        if word is not None:
            return word
        self._read = self._statement
        if character == "]":
            self._in_brackets = self._colon = False
            return self._emit(character, 1)
        if is_digit(character) or (character == "." and is_digit(self._peek(1))):
            self._duration = True
            return self._number_or_duration()
        shown = quoted(character, "'")
        raise Mistake(f"unexpected character in duration expression: {shown}", self._position)

    def _early_colon(self) -> Token:
        token = self._emit(":", 1)
        if not self._duration or self._colon:
            what = "repeated colon" if self._duration else "colon before duration"
            raise Mistake(f"unexpected {what} in duration expression", self._position)
        self._colon = True
        return token

    def _inside_braces(self) -> Token | None:
        if self._skipped():
            return None
        character = self._peek()
        if not character:
            raise Mistake("unexpected end of input inside braces", self._position)
        found = _NAME.match(self._text, self._position)
        if found is not None:
            return self._emit(IDENTIFIER, len(found[0]))
        if character in _STRING:
            return self._string(character)
        if character in ",}":
            self._in_braces = character != "}"
            return self._emit(character, 1)
        return self._comparison(character)

    def _comparison(self, character: str) -> Token:
        after = self._peek(1)
        if character == "=":
            return self._emit("=~", 2) if after == "~" else self._emit("=", 1)
        if character == "!":
            if after in ("~", "="):
                return self._emit(f"!{after}", 2)
            shown = quoted(after, "'") if after else "'\ufffd'"
            reason = f"unexpected character after '!' inside braces: {shown}"
            raise Mistake(reason, self._position)
        if character == "{":
            raise Mistake("unexpected left brace '{'", self._position)
        shown = quoted(character, "'")
        raise Mistake(f"unexpected character inside braces: {shown}", self._position)

    def _string(self, quote: str) -> Token:
        found = _STRING[quote].match(self._text, self._position)
        if found is not None:
            return self._emit(STRING, len(found[0]))
        return self._emit(STRING, Scan(self._text, self._position).string(quote))

    def _number_or_duration(self) -> Token:
        found = _PLAIN_NUMBER.match(self._text, self._position)
        if found is not None:
            return self._emit(NUMBER, len(found[0]))
        scan = Scan(self._text, self._position)
        if scan.number():
            return self._emit(NUMBER, scan.at - self._position)
        rest = _DURATION.match(self._text, scan.at)
        if rest is None:
            shown = quoted(self._text[self._position : scan.at + scan.bad_duration()])
            raise Mistake(f"bad number or duration syntax: {shown}", self._position)
        return self._emit(DURATION, rest.end() - self._position)
