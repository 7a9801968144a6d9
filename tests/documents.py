"""
This module reads the documentation: its pages, the blocks of code in them, their links.

A comment above a block says what kind it is: ``<!-- from examples/x.py -->`` for lines of an
example, which is run by its own tests, ``<!-- needs a server -->`` for what can't run alone, and
``<!-- logs a warning -->`` for what runs and shows a mistake.
"""

import re
from dataclasses import dataclass
from pathlib import Path

NEEDS_SERVER = "needs a server"
WARNS = "logs a warning"
ROOT = Path(__file__).parent.parent
GENERATED = {ROOT / "docs/reference/api.md", ROOT / "docs/reference/signals.md"}
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]

_BLOCK = re.compile(
    r"^(?:<!-- (?P<kind>[^\n]*) -->\n)?```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<to>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """
    One block of Python in a page.
    """

    page: Path
    line: int
    """The line of the page that its first line stands on."""
    code: str
    kind: str
    """What the comment above it says; empty where there is none."""

    @property
    def example(self) -> Path | None:
        """
        The example it is from.
        """
        return ROOT / self.kind.removeprefix("from ") if self.kind.startswith("from ") else None


def blocks(page: Path) -> list[Block]:
    """
    The Python of a page.
    """
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, m.start("code")) + 1, m["code"], m["kind"] or "")
        for m in _BLOCK.finditer(text)
    ]


def program(page: Path) -> str:
    """
    The blocks of a page that run by themselves, one after the other, each on its page's lines.
    """
    lines: list[str] = []
    for block in blocks(page):
        if block.kind in {"", WARNS}:
            lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    return "\n".join(lines)


def prose(page: Path) -> str:
    """
    A page without its blocks of code.
    """
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """
    Where a page points to, other than to other sites.
    """
    found = (m["to"] for m in _LINK.finditer(prose(page)))
    return [to for to in found if "://" not in to and not to.startswith("mailto:")]


def anchors(page: Path) -> set[str]:
    """
    The headings of a page as links name them.
    """
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(prose(page))
    }
