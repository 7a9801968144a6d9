"""
This module compares what Prometheus and we make of random text as an expression.

Run ``python -m tests.campaigns.expressions --texts 20000``. Texts are drawn from the pieces of
PromQL, so that most of them are wrong, each in its own way; the others are laid out. Compared is
the answer of ``format_query``: the layout, or the words of the refusal and its place. The exit
status is 1 where one answers what the other refuses, but for what docs/reference/promql.md names.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import httpx
from tests.query.differential.comparison import DOCUMENTED
from tests.query.differential.reference import started
from tests.query.differential.spellings import EXPRESSION_OF_ITS_OWN, READABLE, WRONG
from tests.query.promql.test_parsing import PIECES

from otel_confidence.errors import QueryError
from otel_confidence.query.promql.parsing import formatted

BEGINNINGS: Final = (
    "", "", "g ", "g[", "rate(g[", "g offset ", "g @ ", "sum by (", "g{", "label_replace(g,",
    "g + on (", "g ",
)  # fmt: skip
INVALID: Final = 'invalid parameter "query": '
SHOWN: Final = 5
"""Of each kind of difference."""


@dataclass(frozen=True, slots=True)
class Made:
    """
    What was made of a text: its layout, or what is wrong with it.
    """

    right: bool
    text: str

    @property
    def place(self) -> str:
        """
        Where it is wrong.
        """
        return self.text.partition(": parse error: ")[0]


def drawn(count: int, random: Random) -> Iterator[str]:
    """
    So many texts.
    """
    for _ in range(count):
        pieces = random.choices(PIECES, k=random.randint(1, 9))
        yield random.choice(BEGINNINGS) + random.choice(["", " "]).join(pieces)


def ours(text: str) -> Made:
    """
    What we make of it.
    """
    try:
        return Made(right=True, text=formatted(text))
    except QueryError as error:
        return Made(right=False, text=str(error))


def theirs(client: httpx.Client, text: str) -> Made:
    """
    What Prometheus makes of it.
    """
    body = client.post("/api/v1/format_query", data={"query": text}).json()
    if body["status"] == "success":
        return Made(right=True, text=body["data"])
    return Made(right=False, text=str(body["error"]).removeprefix(INVALID))


def asked(texts: Iterable[str], folder: Path) -> Iterator[tuple[str, Made, Made]]:
    """
    What each of us makes of texts, with a Prometheus that lives in a folder.
    """
    with started(folder) as url, httpx.Client(base_url=url) as client:
        for text in texts:
            yield text, ours(text), theirs(client, text)


def compared(mine: Made, other: Made) -> str:
    """
    How the two are alike.
    """
    if any(words in mine.text for words in DOCUMENTED) and not mine.right:
        return "refused on purpose"
    if mine.right != other.right:
        return "ONE REFUSES"
    if mine == other:
        return "same layout" if mine.right else "same words, same place"
    if mine.right:
        return "other layout"
    if mine.place != other.place:
        return "other place"
    return "RE2's words" if EXPRESSION_OF_ITS_OWN in other.text else "other words, same place"


def main() -> int:
    """
    Compare and report.
    """
    parser = argparse.ArgumentParser(description="Compare the parser with Prometheus's.")
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    texts = dict.fromkeys([*READABLE, *WRONG, *drawn(arguments.texts, Random(arguments.seed))])
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for text, mine, other in asked(texts, Path(folder)):
            how = compared(mine, other)
            found[how] += 1
            if not how.startswith("same") and found[how] <= SHOWN:
                sys.stdout.write(f"{how}: {text[:200]!r}\n  {other.text[:200]!r}\n")
                sys.stdout.write(f"  {mine.text[:200]!r}, ours\n")
    told = ", ".join(f"{count} {how}" for how, count in found.most_common())
    sys.stdout.write(f"{len(texts)} texts: {told}\n")
    return 1 if found["ONE REFUSES"] else 0


if __name__ == "__main__":
    sys.exit(main())
