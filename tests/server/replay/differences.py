"""
This module lists in what the responses may differ from Prometheus's, each with its reason.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from tests.server.replay.answers import Answered
from tests.server.replay.session import Asked

_WORDS: Final = tuple(
    re.compile(each, re.DOTALL)
    for each in (
        r"(\d+:\d+|unknown position): parse error: .*",
        r"expected an instant vector selector .*",
        r"(error converting \w+: )?strconv\.\w+: parsing .*",
        r"cannot parse \"[^\"]*\" to a whole number",
        r"\"[^\"]*\" is neither true nor false",
    )
)
"""Where each says in words of its own, or of its language's library, what is wrong."""
_NO_TIMES: Final = re.compile(r"\b(NaN|[+-]?Inf|0x\w+)\b")


def _own_words(_: Asked, ours: Answered, theirs: Answered) -> bool:
    return ours.status == theirs.status and _bare(ours.error) == _bare(theirs.error) != ""


def _bare(error: str) -> str:
    for words in _WORDS:
        error = words.sub("…", error)
    return error


def _no_time(asked: Asked, ours: Answered, _: Answered) -> bool:
    given = " ".join(value for name, value in asked.pairs if name in ("time", "start", "end"))
    return bool(_NO_TIMES.search(given)) and "to a valid timestamp" in ours.error


def _at_once(asked: Asked, ours: Answered, theirs: Answered) -> bool:
    # It depends on where in its code the deadline is seen first: 400, 422 or 503.
    late = "timed out" in theirs.error or "deadline exceeded" in theirs.error
    return dict(asked.pairs).get("timeout") in ("0", "-5s") and ours.status == 503 and late


def _whole_block(asked: Asked, ours: Answered, theirs: Answered) -> bool:
    lists = asked.path.startswith("label") and "start" in dict(asked.pairs)
    return lists and _data(ours) <= _data(theirs)


def _any_few(asked: Asked, ours: Answered, theirs: Answered) -> bool:
    if not (asked.path.startswith("label") and "limit" in dict(asked.pairs)):
        return False
    said = [each.body.get("warnings") for each in (ours, theirs)]
    return said[0] == said[1] and len(_data(ours)) == len(_data(theirs))


def _data(answer: Answered) -> set[Any]:
    return {str(each) for each in answer.body.get("data", ())}


Known = tuple[str, Callable[[Asked, Answered, Answered], bool]]
KNOWN: tuple[Known, ...] = (
    ("what can't be parsed is refused in other words", _own_words),
    ("NaN, infinities and hexadecimal numbers are no times here", _no_time),
    ("a deadline that is over at once is a timeout here", _at_once),
    (
        "Prometheus lists labels of its whole block, this server of the time asked for",
        _whole_block,
    ),
    ("which of many a limit leaves is not specified", _any_few),
    (
        "Prometheus has metadata of what it scrapes alone",
        lambda asked, ours, theirs: (
            asked.path == "metadata" and ours.status == 200 and _data(theirs) <= _data(ours)
        ),
    ),
    (
        "Prometheus redirects addresses with empty parts",
        lambda _, ours, theirs: theirs.status == 307 and ours.status == 400,
    ),
    (
        "an expression whose quotes the layout would lose comes back as it was",
        lambda asked, ours, _: (
            asked.path == "format_query" and ours.body["data"] == dict(asked.pairs)["query"]
        ),
    ),
)
"""Differences that are meant."""
