"""This module checks how sizes are read from the command line."""

import click
import pytest
from click.testing import CliRunner

from otel_confidence.cli.commands import cli
from otel_confidence.cli.sizes import Size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1B", 1),
        ("1KB", 1024),
        ("512MB", 512 << 20),
        ("1.5GB", 3 << 29),
        ("2TB", 2 << 40),
    ],
)
def test_sizes_are_read_as_prometheus_reads_them(text: str, size: int) -> None:
    """
    Units are powers of 1024.
    """
    read = Size().convert(text, None, None)

    assert size == read


@pytest.mark.parametrize("text", ["", "GB", "10", "-1GB", "0GB", "0.1B", "10 G", "1gb", "nan"])
def test_a_size_that_is_none_is_explained(text: str) -> None:
    """
    A wrong size is a usage error that shows right ones.
    """
    with pytest.raises(click.BadParameter, match="512MB or 10GB"):
        Size().convert(text, None, None)


def test_up_says_how_to_bound_its_folder() -> None:
    """
    The help of up shows the option.
    """
    done = CliRunner().invoke(cli, ["up", "--help"])

    assert "--retention-size" in done.output
