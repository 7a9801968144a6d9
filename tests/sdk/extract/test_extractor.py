"""
This module tests what an extractor makes of the plainest declarations.
"""

import numpy as np
import pytest

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import Extracted, extractor


def test_a_path_finds_the_number() -> None:
    """
    A path declared as a text finds the number, which counts as reported.
    """
    extract = extractor("result.confidence", label="result.label")

    found = extract({"result": {"confidence": 0.9, "label": "cat"}})

    assert Extracted(0.9, "cat", "reported") == found


def test_a_vector_gives_its_largest_probability() -> None:
    """
    A reduction at the end of the path turns a vector into its largest probability.
    """
    found = extractor("proba.max", label="label")({"proba": [0.1, 0.7, 0.2], "label": 1})

    assert Extracted(0.7, 1, "probability") == found


def test_a_matrix_is_a_batch() -> None:
    """
    A matrix gives one confidence for each row.
    """
    found = extractor("proba.max")(np.array([[0.1, 0.9], [0.6, 0.4]]))

    assert (2, [0.9, 0.6]) == (found.size, np.asarray(found.confidence).tolist())


def test_a_declaration_of_another_type_is_refused() -> None:
    """
    What is neither path, callable nor declaration fails at once and says what would be right.
    """
    with pytest.raises(ConfigurationError, match=r"within 0\.\.1"):
        extractor(7)
