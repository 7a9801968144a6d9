"""
This module tests the door for single numbers.
"""

from typing import Any

import numpy as np
import pytest

from otel_confidence.sdk.numbers import finite


@pytest.mark.parametrize("number", [np.complex64(1j), np.complex128(0.5), np.array(1j), 1j])
def test_a_complex_number_is_no_number(number: Any) -> None:
    """
    A complex number is refused, whether it is Python's or numpy's, and nothing warns.
    """
    assert finite(number) is None


def test_a_scalar_of_an_array_library_is_a_number() -> None:
    """
    Whatever can be a float and holds one value is taken as one.
    """
    assert [0.5, 2.0] == [finite(np.float16(0.5)), finite(np.array(2))]
