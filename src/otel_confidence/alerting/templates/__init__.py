"""
This module expands the templates of alerts: Go's text/template with Prometheus's functions.

No maintained library on the package index reads that language, and rule files are written in it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from otel_confidence.alerting.templates import nodes
from otel_confidence.alerting.templates.builtins import BUILTINS, LAZY
from otel_confidence.alerting.templates.executing import execute
from otel_confidence.alerting.templates.functions import KNOWN, Context, functions
from otel_confidence.alerting.templates.parsing import parse
from otel_confidence.alerting.templates.values import Record, Texts
from otel_confidence.errors import TemplateError

VARIABLES: Final = ("$labels", "$externalLabels", "$externalURL", "$value")
"""What every template of a rule begins with."""
_FUNCTIONS: Final = frozenset({*BUILTINS, *LAZY, *KNOWN})


@lru_cache(maxsize=4096)
def read(text: str) -> nodes.Template:
    """
    The tree of a template.

    Raises:
        TemplateError: It is none, or calls what does not exist.
    """
    return parse(text, _FUNCTIONS, VARIABLES)


def expand(
    text: str,
    *,
    labels: Mapping[str, str],
    value: float,
    context: Context,
    external_labels: Mapping[str, str] | None = None,
) -> str:
    """
    A template filled with the labels and the value of what an alert's expression found.

    Raises:
        TemplateError: It cannot be carried out on them.
    """
    if "{{" not in text:
        return text
    fields = {
        "Labels": Texts(labels),
        "ExternalLabels": Texts(external_labels or {}),
        "ExternalURL": context.external_url,
        "Value": value,
    }
    variables = dict(zip(VARIABLES, fields.values(), strict=True))
    return execute(read(text), Record("struct", fields), functions(context), variables)


__all__ = ["VARIABLES", "Context", "TemplateError", "expand", "read"]
