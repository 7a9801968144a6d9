"""
This module checks that the documentation is complete, true and whole.
"""

import dataclasses
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.documents import (
    DOCS,
    GENERATED,
    NEEDS_SERVER,
    PAGES,
    ROOT,
    WARNS,
    anchors,
    blocks,
    links,
    program,
    prose,
)

import otel_confidence as oc
from otel_confidence import conventions
from otel_confidence.cli.commands import commands
from otel_confidence.testing import Capture

WITH_PYTHON = [page for page in PAGES if program(page)]
SHOWN = {page: page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md"}
TEXT = "\n".join(SHOWN.values())
BY_HAND = "\n".join(text for page, text in SHOWN.items() if page not in GENERATED)


def name_of(page: Path) -> str:
    """
    A page's path in the repository.
    """
    return str(page.relative_to(ROOT))


def stands(name: str, text: str) -> bool:
    """
    Whether a name stands in a text as a whole.
    """
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


def test_every_public_name_is_documented() -> None:
    """
    Each name of the front door has a heading in the reference.
    """
    headings = (ROOT / "docs/reference/api.md").read_text()

    assert [] == [n for n in oc.__all__ if f"\n### {n}\n" not in headings and n != "Settings"]


def test_every_verb_is_explained_by_somebody() -> None:
    """
    Each function of the front door stands in a page that was written by hand.
    """
    functions = [name for name in oc.__all__ if not isinstance(getattr(oc, name), type)]

    assert [] == [n for n in functions if not re.search(rf"(?<!\w){n}\(", BY_HAND)]


def test_every_setting_is_documented() -> None:
    """
    Each setting stands there under both of its names.
    """
    fields = [field.name for field in dataclasses.fields(oc.Settings)]
    arguments = [name for name in fields if name in inspect.signature(oc.configure).parameters]
    variables = [f"OTEL_CONFIDENCE_{name.upper()}" for name in fields if name != "redact"]

    assert [] == [name for name in (*arguments, *variables) if not stands(name, TEXT)]


def test_every_setting_but_sizes_is_an_argument() -> None:
    """
    ``configure()`` takes every setting, apart from the sizes of tables that exist by then.
    """
    fields = {field.name for field in dataclasses.fields(oc.Settings)}
    sizes = {name for name in fields if name.startswith("max_")} | {"seen_outcomes"}

    assert fields - sizes == fields & inspect.signature(oc.configure).parameters.keys()


def test_every_extra_is_documented() -> None:
    """
    Each extra of the package stands on the page about installing it.
    """
    section = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    extras = re.findall(r"^(\w+) = \[", section.partition("\n[")[0], re.MULTILINE)
    page = (ROOT / "docs/how-to/start.md").read_text()

    assert "server" in extras
    assert [] == [extra for extra in extras if f"`{extra}`" not in page]


def test_every_command_and_option_is_documented() -> None:
    """
    Each verb of the command line stands there, with all of its options.
    """
    options = [
        flag
        for command in commands().values()
        for option in command.params
        if isinstance(option, click.Option)
        for flag in option.opts
    ]
    verbs = [f"otel-confidence {verb}" for verb in commands()]

    assert options
    assert [] == [name for name in (*verbs, *options) if not stands(name, TEXT)]


def test_every_signal_is_documented() -> None:
    """
    Each metric, attribute and event stands there under OpenTelemetry's name.
    """
    tables = (conventions.METRICS, conventions.ATTRIBUTES, conventions.EVENTS)
    names = [str(getattr(signal, "name", "")) for table in tables for signal in table]

    assert [] == [name for name in names if not name or not stands(name, TEXT)]


def test_every_alert_has_its_heading() -> None:
    """
    Each alert's runbook address leads to a heading of the runbooks.
    """
    files = [
        yaml.safe_load(path.read_text()) for path in sorted((ROOT / "prometheus/rules").glob("*"))
    ]
    rules = [r for file in files for group in file["groups"] for r in group["rules"]]
    alerts = {r["alert"]: r["annotations"]["runbook_url"] for r in rules if "alert" in r}
    known = anchors(ROOT / "docs/runbooks.md")

    assert alerts
    assert [] == [a for a, url in alerts.items() if url.partition("#")[2].lower() not in known]
    assert [] == [a for a in alerts if a.lower() not in known]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_python_in_pages_runs(page: Path, tmp_path: Path) -> None:
    """
    The blocks of a page run one after the other, as one program that sends nothing.

    Nothing is logged but by the blocks that say so.
    """
    run = "import sys; exec(compile(sys.stdin.read(), sys.argv[1], 'exec'))"
    quiet = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("METRICS", "TRACES", "LOGS")}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", run, name_of(page)],
        input=program(page),
        cwd=tmp_path,
        env={**inherited, **quiet},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    warned = done.stderr.splitlines()
    assert 0 == done.returncode, done.stderr
    assert [] == [line for line in warned if not line.startswith("otel_confidence: ")]
    assert sum(block.kind == WARNS for block in blocks(page)) == len(warned)


def test_python_that_cannot_run_alone_is_python() -> None:
    """
    A block is from an example, where it stands as it is, or compiles; its comment says which.
    """
    marked = [b for page in PAGES for b in blocks(page) if b.kind not in {"", WARNS}]
    quoted = [(block, block.example) for block in marked if block.example is not None]
    others = [block for block in marked if block.example is None]
    for block in others:
        compile(block.code, name_of(block.page), "exec")

    assert [] == [b.line for b in others if b.kind != NEEDS_SERVER]
    assert [] == [
        f"{name_of(block.page)}:{block.line}"
        for block, example in quoted
        if block.code not in example.read_text(encoding="utf-8")
    ]


def test_the_test_on_the_first_page_passes(telemetry: Capture) -> None:
    """
    What the first page shows of the pytest plugin is so.
    """
    decorated, shown = [
        block.code
        for block in blocks(ROOT / "docs/how-to/start.md")
        if "def classify" in block.code or "def test_" in block.code
    ]
    names: dict[str, Any] = {"__name__": "page"}
    exec(decorated.replace('oc.configure(service_name="shop")', ""), names)
    exec(shown, names)

    names["test_unsure_answers_are_flagged"](telemetry)

    assert 1 == telemetry.value("ml.predictions")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """
    Each link within the repository leads to a file, and to a heading in it where one is named.
    """
    astray = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        found = target.exists() and target.is_relative_to(ROOT)
        if not found or (anchor and anchor not in anchors(target)):
            astray.append(link)

    assert [] == astray


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_rows_of_a_table_have_the_cells_of_its_head(page: Path) -> None:
    """
    No row has another number of cells, as an unescaped bar within a cell would make it.
    """
    lines = page.read_text(encoding="utf-8").splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) if line[:1] == "|" else 0 for line in lines]

    uneven = [i + 1 for i in range(1, len(cells)) if cells[i] and cells[i - 1] not in {0, cells[i]}]
    assert [] == uneven


def test_every_page_is_reached() -> None:
    """
    From the index, or the README, links lead to every page.
    """
    waiting, reached = [ROOT / "docs/index.md", ROOT / "README.md"], set[Path]()
    while waiting:
        page = waiting.pop()
        reached.add(page)
        paths = {link.partition("#")[0] for link in links(page)}
        targets = {(page.parent / path).resolve() for path in paths if path.endswith(".md")}
        waiting += targets - reached

    assert [] == [name_of(page) for page in DOCS if page not in reached]


def test_every_example_is_pointed_to() -> None:
    """
    Each example is linked from a page.
    """
    linked = {
        (page.parent / link).resolve() for page in PAGES for link in links(page) if ".py" in link
    }
    examples = [path for path in (ROOT / "examples").glob("*.py") if path.name != "__init__.py"]

    assert [] == [path.name for path in examples if path not in linked]


def test_no_machine_is_named() -> None:
    """
    Pages and examples hold no path of the machine that they were written on.
    """
    machine = re.compile(r"(?<![\w.:/])/(?:work|home|root|Users|tmp|private|mnt)/\w")
    files = [*PAGES, *(ROOT / "examples").rglob("*.py"), *(ROOT / "examples").rglob("*.json")]

    assert [] == [name_of(p) for p in files if machine.search(p.read_text(encoding="utf-8"))]


def test_prose_is_searched_without_code() -> None:
    """
    Links are not looked for in blocks of code.
    """
    assert "oc.configure" not in prose(ROOT / "docs/how-to/start.md").replace("`configure()`", "")
