"""
This module writes what is generated to where Prometheus and Grafana read it, or compares.
"""

import warnings
from pathlib import Path
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.generate.api import api_page
from otel_confidence.generate.reference import signals_page
from otel_confidence.generate.rules import RUNBOOKS, rule_file

COMMAND: Final = "python -m otel_confidence.generate --write"
"""What writes the files, as their headers and the failing check say."""
RULES: Final = Path("prometheus", "rules", "otel_confidence.yml")
SIGNALS: Final = Path("docs", "reference", "signals.md")
API: Final = Path("docs", "reference", "api.md")
MODEL_DASHBOARD: Final = Path("grafana", "dashboards", "otel-confidence-model.json")


def write(out: Path, check: bool, *, runbooks: str = RUNBOOKS) -> list[Path]:  # noqa: FBT001  the command's own flag
    """
    The files below ``out`` that differ from what is generated; unless ``check``, write them.

    Raises:
        ConfigurationError: if a library that generating needs is not installed.
    """
    changed = []
    for name, text in generated(runbooks).items():
        path = out / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return changed


def generated(runbooks: str = RUNBOOKS) -> dict[Path, str]:
    """
    Every generated file's text.
    """
    return {
        RULES: _rules_text(runbooks),
        MODEL_DASHBOARD: _model_text(),
        SIGNALS: signals_page(COMMAND),
        API: api_page(COMMAND),
    }


def _rules_text(runbooks: str) -> str:
    try:
        import yaml
    except ImportError as missing:
        raise ConfigurationError("writing rules needs pyyaml: pip install pyyaml") from missing

    class Dumper(yaml.SafeDumper):
        """
        Keeps the lines of an expression apart.
        """

        def represent_text(self, text: str) -> yaml.ScalarNode:
            return self.represent_scalar(
                "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
            )

    Dumper.add_representer(str, Dumper.represent_text)
    body: Any = yaml.dump(rule_file(runbooks), Dumper=Dumper, sort_keys=False, width=10_000)
    return (
        f"# Written by `{COMMAND}`: change src/otel_confidence/generate/rules.py instead.\n{body}"
    )


def _model_text() -> str:
    try:
        with warnings.catch_warnings():
            # The library prefers the second version of the format, which file provisioning refuses.
            warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
            from otel_confidence.generate.dashboards import model_dashboard
    except ImportError as missing:
        raise ConfigurationError(
            "writing dashboards needs Python 3.11 and: pip install grafana-foundation-sdk==0.0.21"
        ) from missing
    return model_dashboard(COMMAND)
