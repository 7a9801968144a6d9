"""
This module writes what is generated to where Prometheus and Grafana read it, or compares.
"""

import sys
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Final

from otel_confidence.errors import ConfigurationError, MissingExtraError
from otel_confidence.generate import kubernetes, runbooks, slos
from otel_confidence.generate.api import api_page
from otel_confidence.generate.links import UIDS
from otel_confidence.generate.notation import yaml_text
from otel_confidence.generate.reference import signals_page
from otel_confidence.generate.rules import RUNBOOKS, Links, rule_file
from otel_confidence.objectives import read

COMMAND: Final = "python -m otel_confidence.generate --write"
"""What writes the files, as their headers and the failing check say."""
RULES: Final = Path("prometheus", "rules", "otel_confidence.yml")
SLOS: Final = Path("prometheus", "rules", "otel_confidence_slos.yml")
PAGE: Final = Path("prometheus", "pages", "runbooks.html")
"""The runbooks, served by Prometheus, unless links of alerts lead elsewhere."""
SIGNALS: Final = Path("docs", "reference", "signals.md")
API: Final = Path("docs", "reference", "api.md")
DASHBOARDS: Final = Path("grafana", "dashboards")
PARTS: Final = ("rules", "dashboards", "reference")
"""What is written unless asked otherwise; the reference is the pages about the package itself."""
KUBERNETES: Final = "kubernetes"
"""What is written on request: the same rules and dashboards once more, as manifests."""
_OF_DASHBOARDS: Final = (3, 11)
"""The first Python that grafana-foundation-sdk runs on."""
_RULES_FROM: Final = f"`{COMMAND}`: change src/otel_confidence/generate/rules/"


def write(
    out: Path,
    check: bool,  # noqa: FBT001  the command's own flag
    *,
    links: Links | None = None,
    objectives: Path | None = None,
    parts: Collection[str] = PARTS,
    collector: Path | None = None,
    boards: Path | None = None,
) -> list[Path]:
    """
    The files below ``out`` that differ from what is generated; unless ``check``, write them.

    Args:
        out: the root of what is written.
        check: whether to compare only.
        links: where the annotations of alerts lead to, if not to ``Links()``.
        objectives: the file of objectives; their rules are left out if not given.
        parts: what to write, some of ``PARTS`` and ``KUBERNETES``.
        collector: the folder of the Collector's configurations, for ``KUBERNETES``; they are left
            out if not given.
        boards: the folder of dashboards that were written before, for ``KUBERNETES``; they are
            made anew if not given.

    Raises:
        ConfigurationError: if a library that generating needs is not installed, the objectives
            are wrong, or the folder lacks a configuration.
    """
    changed = []
    for name, text in generated(links, objectives, parts, collector, boards).items():
        path = out / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return changed


def generated(
    links: Links | None = None,
    objectives: Path | None = None,
    parts: Collection[str] = PARTS,
    collector: Path | None = None,
    boards: Path | None = None,
) -> dict[Path, str]:
    """
    Every generated file's text; the arguments are those of ``write()``.
    """
    texts: dict[Path, str] = {}
    if "rules" in parts:
        texts[RULES] = yaml_text(rule_file(links=links), _RULES_FROM)
        if _ours(links):
            texts[PAGE] = runbooks.page(COMMAND)
        if objectives is not None:
            rules = slos.rule_file(read(objectives), links=links)
            texts[SLOS] = yaml_text(rules, f"`otel-confidence generate`: change {objectives.name}")
    if "dashboards" in parts:
        texts |= {DASHBOARDS / f"{uid}.json": text for uid, text in _dashboards().items()}
    if "reference" in parts:
        texts |= {SIGNALS: signals_page(COMMAND), API: api_page(COMMAND)}
    if KUBERNETES in parts:
        texts |= _manifests(links, objectives, collector)
        texts |= kubernetes.dashboards(_written(boards) if boards else _dashboards())
    return texts


def _manifests(
    links: Links | None, objectives: Path | None, collector: Path | None
) -> dict[Path, str]:
    texts = kubernetes.rules("rules", rule_file(links=links), "src/otel_confidence/generate/rules/")
    if _ours(links):
        texts |= kubernetes.page(PAGE.name, runbooks.page(COMMAND))
    if objectives is not None:
        rules = slos.rule_file(read(objectives), links=links)
        texts |= kubernetes.rules("slos", rules, objectives.name)
        texts |= kubernetes.objectives(objectives)
    if collector is not None:
        texts |= kubernetes.collectors(collector)
    return texts


def _ours(links: Links | None) -> bool:
    return links is None or links.runbooks == RUNBOOKS


def _written(folder: Path) -> dict[str, str]:
    """
    The package's own dashboards of a folder; others may lie beside them.
    """
    absent = [uid for uid in UIDS if not (folder / f"{uid}.json").is_file()]
    if absent:
        raise ConfigurationError(
            f"{folder} has no {absent[0]}.json: write it with --only dashboards, or say where "
            "they all are with --boards"
        )
    return {uid: (folder / f"{uid}.json").read_text(encoding="utf-8") for uid in UIDS}


def _dashboards() -> dict[str, str]:
    if sys.version_info < _OF_DASHBOARDS:
        raise ConfigurationError(
            f"writing dashboards needs Python {'.'.join(map(str, _OF_DASHBOARDS))} or later; "
            "`--only rules` needs none of it"
        )
    try:
        with warnings.catch_warnings():
            # The library prefers the second version of the format, which file provisioning refuses.
            warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
            from otel_confidence.generate.dashboards import texts
    except ImportError as missing:
        raise MissingExtraError(
            "writing dashboards needs grafana-foundation-sdk (`--only rules` does not)", "generate"
        ) from missing
    return texts(COMMAND)
