"""
This module writes what is generated to where Prometheus and Grafana read it, or compares.
"""

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.generate import slos
from otel_confidence.generate.api import api_page
from otel_confidence.generate.reference import signals_page
from otel_confidence.generate.rules import RUNBOOKS, rule_file
from otel_confidence.objectives import read

COMMAND: Final = "python -m otel_confidence.generate --write"
"""What writes the files, as their headers and the failing check say."""
RULES: Final = Path("prometheus", "rules", "otel_confidence.yml")
SLOS: Final = Path("prometheus", "rules", "otel_confidence_slos.yml")
SIGNALS: Final = Path("docs", "reference", "signals.md")
API: Final = Path("docs", "reference", "api.md")
DASHBOARDS: Final = Path("grafana", "dashboards")
PARTS: Final = ("rules", "dashboards", "reference")
"""What can be written; the reference is the pages about the package itself."""
_RULES_FROM: Final = f"`{COMMAND}`: change src/otel_confidence/generate/rules/"


def write(
    out: Path,
    check: bool,  # noqa: FBT001  the command's own flag
    *,
    runbooks: str = RUNBOOKS,
    objectives: Path | None = None,
    parts: Collection[str] = PARTS,
) -> list[Path]:
    """
    The files below ``out`` that differ from what is generated; unless ``check``, write them.

    Args:
        out: the root of what is written.
        check: whether to compare only.
        runbooks: address of the runbooks' page.
        objectives: the file of objectives; their rules are left out if not given.
        parts: what to write, some of ``PARTS``.

    Raises:
        ConfigurationError: if a library that generating needs is not installed, or the objectives
            are wrong.
    """
    changed = []
    for name, text in generated(runbooks, objectives, parts).items():
        path = out / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return changed


def generated(
    runbooks: str = RUNBOOKS, objectives: Path | None = None, parts: Collection[str] = PARTS
) -> dict[Path, str]:
    """
    Every generated file's text; the arguments are those of ``write()``.
    """
    texts: dict[Path, str] = {}
    if "rules" in parts:
        texts[RULES] = _yaml(rule_file(runbooks), _RULES_FROM)
        if objectives is not None:
            rules = slos.rule_file(read(objectives), runbooks)
            texts[SLOS] = _yaml(rules, f"`otel-confidence generate`: change {objectives.name}")
    if "dashboards" in parts:
        texts |= _dashboards()
    if "reference" in parts:
        texts |= {SIGNALS: signals_page(COMMAND), API: api_page(COMMAND)}
    return texts


def _yaml(rules: dict[str, Any], source: str) -> str:
    try:
        import yaml
    except ImportError as missing:
        raise ConfigurationError(
            "writing rules needs PyYAML: pip install 'otel-confidence[server]'"
        ) from missing

    class Dumper(yaml.SafeDumper):
        """
        Keeps the lines of an expression apart, and repeats what is repeated.
        """

        def represent_text(self, text: str) -> yaml.ScalarNode:
            return self.represent_scalar(
                "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
            )

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  of nothing
            return True

    Dumper.add_representer(str, Dumper.represent_text)
    body = yaml.dump(rules, Dumper=Dumper, sort_keys=False, width=10_000, allow_unicode=True)
    return f"# Written by {source} instead.\n{body}"


def _dashboards() -> dict[Path, str]:
    try:
        with warnings.catch_warnings():
            # The library prefers the second version of the format, which file provisioning refuses.
            warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
            from otel_confidence.generate.dashboards import texts
    except ImportError as missing:
        raise ConfigurationError(
            "writing dashboards needs Python 3.11 and: pip install grafana-foundation-sdk==0.0.21"
        ) from missing
    return {DASHBOARDS / f"{uid}.json": text for uid, text in texts(COMMAND).items()}
