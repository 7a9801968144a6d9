"""This module checks settings: arguments, then the environment, then defaults."""

from typing import Any

import pytest

from otel_confidence.errors import ConfigurationError
from otel_confidence.settings import Settings


def test_arguments_win_over_the_environment() -> None:
    """
    An argument wins over its variable, a variable over the default; None is no argument.
    """
    environ = {
        "OTEL_CONFIDENCE_EVENT_SAMPLE_RATIO": "0.25",
        "OTEL_CONFIDENCE_THRESHOLDS": "0.3, 0.7",
        "OTEL_CONFIDENCE_STRICT": "yes",
        "OTEL_CONFIDENCE_MAX_MODELS": "7",
    }
    settings = Settings.read(environ, event_sample_ratio=0.5, thresholds=None)

    assert (
        Settings(event_sample_ratio=0.5, thresholds=(0.3, 0.7), strict=True, max_models=7)
        == settings
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        ({"event_sample_ratio": 2}, {}, r"event_sample_ratio must be a number within 0..1, got 2"),
        ({"thresholds": [70]}, {}, "thresholds must be a number within"),
        ({"max_models": 0}, {}, "max_models"),
        ({"receipt_key": 4}, {}, "receipt_key must be text"),
        ({"colour": 1}, {}, "unknown setting 'colour'"),
        ({}, {"OTEL_CONFIDENCE_MAX_MODELS": "many"}, "OTEL_CONFIDENCE_MAX_MODELS .* got 'many'"),
        ({}, {"OTEL_CONFIDENCE_STRICT": "perhaps"}, "OTEL_CONFIDENCE_STRICT"),
    ],
)
def test_wrong_settings_are_named(
    arguments: dict[str, Any], environ: dict[str, str], message: str
) -> None:
    """
    A wrong setting is refused by a sentence that names it, its value and what would be right.
    """
    with pytest.raises(ConfigurationError, match=message):
        Settings.read(environ, **arguments)


def test_secrets_stay_out_of_sight() -> None:
    """
    The key is no part of what settings show of themselves.
    """
    assert "secret" not in repr(Settings(receipt_key="secret"))
