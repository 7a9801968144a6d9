"""
This module writes what is generated as YAML that people can read.
"""

from typing import Any

from otel_confidence.errors import MissingExtraError


def yaml_text(content: dict[str, Any], source: str) -> str:
    """
    One YAML document, below a line that says what to change instead of it.

    Raises:
        MissingExtraError: if PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as missing:
        raise MissingExtraError("writing YAML needs PyYAML", "server") from missing

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
    body = yaml.dump(content, Dumper=Dumper, sort_keys=False, width=10_000, allow_unicode=True)
    return f"# Written by {source} instead.\n{body}"
