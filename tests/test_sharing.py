"""This module checks that tests which share a fixture of their module run on one worker."""

import pytest

GROUP = "tests/test_sharing.py"


@pytest.fixture(name="made", scope="module")
def _made() -> object:
    return object()


def test_what_shares_a_fixture_is_one_group(made: object, request: pytest.FixtureRequest) -> None:
    """
    The group is the module's, and whoever distributes tests over workers is told of it.
    """
    assert made is not None
    marker = request.node.get_closest_marker("xdist_group")

    assert (GROUP,) == marker.args
    # pytest-xdist reads groups from these names, and without a word finds none in pytest 9.2's.
    distributed = getattr(request.config.option, "loadgroup", False)
    assert distributed == request.node.nodeid.endswith(f"@{GROUP}")


def test_what_shares_nothing_is_free(request: pytest.FixtureRequest) -> None:
    """
    Any worker may run a test that has its fixtures for itself.
    """
    assert request.node.get_closest_marker("xdist_group") is None
