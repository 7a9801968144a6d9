"""
This module checks that variables in a Collector's files are checked to have values.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import changed, faults, found


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${env:TEMPO_ENDPOINT}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "the variable TEMPO_ENDPOINT is unset", id="an unset variable",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${TEMPO:-tempo:4317}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "nothing reads ${TEMPO:-tempo:4317}", id="a default without env",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${env:TEMPO-ENDPOINT}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "'TEMPO-ENDPOINT' is no name of a variable", id="no name of a variable",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: ${file:/nowhere/at/all}",
            "error", "exporters.otlp_grpc/tempo.endpoint",
            "there is no file '/nowhere/at/all'", id="an absent file",
        ),
        pytest.param(
            "endpoint: tempo:4317", "endpoint: $TEMPO_ENDPOINT",
            "warning", "exporters.otlp_grpc/tempo.endpoint",
            "$TEMPO_ENDPOINT is taken as it stands", id="a variable without braces",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_variables_is_told(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    A variable that stands for nothing is told with its place and a remedy.
    """
    assert [(level, path)] == faults(tmp_path, changed(old, new), message)


def test_a_default_or_the_environment_satisfies_a_variable(tmp_path: Path) -> None:
    """
    A variable with a default, one that is set and an escaped one are no faults.
    """
    text = changed("directory: /var/lib/otelcol,", "directory: '${env:A:-/x}/${B}/$${env:C}',")

    assert [] == found(tmp_path, text, B="1")


def test_a_variable_that_is_nearly_right_is_named(tmp_path: Path) -> None:
    """
    A misspelled variable is told with the one that was probably meant.
    """
    text = changed("tempo:4317", "${env:TEMPO_ENPOINT}")
    (told,) = found(tmp_path, text, TEMPO_ENDPOINT="tempo:4317")

    assert "did you mean TEMPO_ENDPOINT?" in told.remedy


def test_a_slip_in_a_variable_with_a_default_is_told_of(tmp_path: Path) -> None:
    """
    A variable that stays unset although one of nearly its name is set is a likely slip.
    """
    text = changed("tempo:4317", "${env:TEMPO_ENDPOINT:-tempo:4317}")
    (told,) = found(tmp_path, text, TEMPO_ENPOINT="here:4317", HOME="/root")

    assert "warning" == told.level
    assert "TEMPO_ENDPOINT is unset, while TEMPO_ENPOINT is set" in told.message
