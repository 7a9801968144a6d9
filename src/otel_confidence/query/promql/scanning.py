"""
This module reads strings and numbers character by character, as Prometheus's lexer does.
"""

from typing import Final

from otel_confidence.query.literals import is_text

_DIGITS: Final = "0123456789"
_HEX: Final = "0123456789abcdefABCDEF"
_ESCAPES: Final = {"x": (2, 16, 255), "u": (4, 16, 0x10FFFF), "U": (8, 16, 0x10FFFF)}
_INVALID: Final = "escape sequence is an invalid Unicode code point"


class Mistake(Exception):  # noqa: N818  becomes a token of its own
    """
    What is wrong with a text, and where what is wrong begins.
    """

    def __init__(self, reason: str, start: int) -> None:
        super().__init__(reason)
        self.start = start


def is_letter(character: str) -> bool:
    """
    Whether a name could begin with it.
    """
    return character == "_" or (character.isascii() and character.isalpha())


def is_digit(character: str) -> bool:
    """
    Whether it is one of the ten digits.
    """
    return "0" <= character <= "9"


class Scan:
    """
    Reads a string or a number character by character.
    """

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = start
        self.at = start

    def _is(self, characters: str) -> bool:
        here = self._text[self.at : self.at + 1]
        return here != "" and here in characters

    def _accept(self, characters: str) -> bool:
        accepted = self._is(characters)
        self.at += accepted
        return accepted

    @property
    def _over(self) -> bool:
        return self.at >= len(self._text)

    def string(self, quote: str) -> int:
        """
        How long the string is that begins here.
        """
        raw = quote == "`"
        self.at += 1
        while not self._is(quote):
            if self._over or (self._is("\n") and not raw):
                kind = "raw" if raw else "quoted"
                raise Mistake(f"unterminated {kind} string", self._start)
            if self._text[self.at] == "\ufffd" or not is_text(self._text[self.at]):
                raise Mistake("invalid UTF-8 rune", self._start)
            self.at += 1
            if not raw and self._text[self.at - 1] == "\\":
                self._escape(quote)
        return self.at + 1 - self._start

    def _escape(self, quote: str) -> None:
        if self._accept(f"abfnrtv\\{quote}"):
            return None
        if self._is("01234567"):
            return self._digits(3, 8, 255)
        here = self._text[self.at : self.at + 1]
        if not here:
            raise Mistake("escape sequence not terminated", self._start)
        if here not in _ESCAPES:
            raise Mistake(f"unknown escape sequence {_code_point(here)}", self._start)
        self.at += 1
        return self._digits(*_ESCAPES[here])

    def _digits(self, count: int, base: int, largest: int) -> None:
        code = 0
        for _ in range(count):
            here = self._text[self.at : self.at + 1]
            if not here:
                raise Mistake("escape sequence not terminated", self._start)
            if here not in (_HEX if base > 10 else "01234567"):  # noqa: PLR2004  base ten
                reason = f"illegal character {_code_point(here)} in escape sequence"
                raise Mistake(reason, self._start)
            code = code * base + int(here, 16)
            self.at += 1
        if code > largest or 0xD800 <= code < 0xE000:  # noqa: PLR2004  halves of surrogate pairs
            raise Mistake(_INVALID, self._start)

    def number(self) -> bool:
        """
        Whether what begins here is a number; ``at`` is where it ends, or fails.
        """
        digits = _DIGITS
        if self._accept("0") and self._accept("xX"):
            self._accept("_")
            digits = _HEX
        self._accept(".")
        self._accept(digits)
        if not self._rest_of_number(digits):
            return False
        return self.at > self._start and not (
            not self._over and (is_letter(self._text[self.at]) or is_digit(self._text[self.at]))
        )

    def _rest_of_number(self, digits: str) -> bool:
        point = exponent = False
        while self._is(f"{digits}._eE"):
            if (point and self._accept(".")) or (exponent and self._accept("eE")):
                return False
            if self._accept("."):
                point = True
                if self._accept("_.") or digits == _HEX:
                    return False
            elif self._accept("eE"):
                exponent = True
                self._accept("+-")
                if self._accept("._eE") or self._over:
                    return False
            elif self._accept("_"):
                if self._accept("._eE") or self._over:
                    return False
            else:
                while self._accept(digits):
                    pass
        return True

    def bad_duration(self) -> int:
        """
        How much more a message shows of what is no duration either.
        """
        began = self.at
        if self._accept("smhdwy"):
            self._accept("s")
            while self._accept(_DIGITS):
                while self._accept(_DIGITS):
                    pass
                if not self._accept("smhdw"):
                    return self.at - began
                self._accept("s")
            self.at += not self._over
        return self.at - began


def _code_point(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"{code} '{character}'" if character.isprintable() else code
