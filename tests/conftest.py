"""This module brings the library's own pytest plugin to its tests, and keeps sharers together."""

import os
import resource
from typing import Final

import httpx
import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["otel_confidence.testing"]

_UNTIMED: Final = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("drawn", **_UNTIMED)  # type: ignore[arg-type]  # as given
settings.register_profile("same", derandomize=True, database=None, **_UNTIMED)  # type: ignore[arg-type]  # as given
settings.load_profile("same")
PATIENCE_S: Final = 120.0
"""How long a client of HTTP waits that says nothing else; by itself httpx gives up after five."""
GROUP: Final = "xdist_group"
_PROXIES: Final = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_TERMINAL: Final = (
    "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)  # fmt: skip
"""What the width and the colors of a terminal are taken from."""
_FILES: Final = 65_536
"""
How many files may be open, where the system lets us. Engines that were closed leave threads of
theirs for others, up to a thousand, with three files each; a shell's usual limit is 1,024.
"""
TOOLS: Final = "OTEL_CONFIDENCE_TOOLS"
"""The one variable of ours that is for the tests."""


def pytest_configure() -> None:
    """
    Let no proxy stand before servers that tests start at loopback addresses, however slow they are.

    The proxy of HTTPS stays, for whoever installs packages by it. Nor do tests hear of a terminal,
    or of the telemetry of whoever runs them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    waits = httpx._config.DEFAULT_TIMEOUT_CONFIG
    waits.connect = waits.read = waits.write = waits.pool = PATIENCE_S
    told = [name for name in os.environ if name.startswith("OTEL_") and name != TOOLS]
    for name in (*_PROXIES, *_TERMINAL, *told):
        os.environ.pop(name, None)
    for name in ("NO_PROXY", "no_proxy"):
        given = os.environ.get(name)
        os.environ[name] = ",".join(filter(None, (given, "localhost", "127.0.0.1")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Run one after the other, on one worker, the tests for which a fixture makes something once.

    Two workers would make it twice, and the server of a folder would run on behind its last test.
    """
    for item in items:
        if item.get_closest_marker(GROUP) is None and (shared := _shared(item)):
            item.add_marker(pytest.mark.xdist_group(shared))
    first: dict[str, int] = {}
    for number, item in enumerate(items):
        first.setdefault(_group(item), number)
    items.sort(key=lambda item: first[_group(item)])


def _shared(item: pytest.Item) -> str:
    """Whose fixtures a test shares: its folder's, its module's or, without any, nobody's."""
    assert isinstance(item, pytest.Function)
    nearest = [fixtures[-1] for fixtures in item._fixtureinfo.name2fixturedefs.values()]
    scopes = {fixture.scope for fixture in nearest if fixture.baseid}  # plugins' have none
    path = item.path.relative_to(item.config.rootpath)
    if "package" in scopes:
        return str(path.parent)
    return str(path) if "module" in scopes else ""


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker(GROUP)
    return str(marker.args[0]) if marker else item.nodeid
