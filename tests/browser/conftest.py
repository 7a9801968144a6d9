"""
This module gives browser tests a real page over a real store, and a real browser to look at it.
"""

import os
import shutil
import time
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright
from tests.browser.browsing import HOSTILE, PATIENCE_S, Site, Window, recent
from tests.model_history import History

from otel_confidence.store import Store

PATIENCE_MS = 1000 * PATIENCE_S
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    Chromium without a display.
    """
    path = shutil.which("chromium")
    if path is None:
        reason = "needs Debian's chromium: apt-get install chromium"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=_FLAGS, timeout=PATIENCE_MS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """
    Pages over models that became overconfident, have hostile names or were not heard of for days.
    """
    store = Store.open(tmp_path_factory.mktemp("browser") / "data")
    drifted = recent("digits", rightness=lambda t: np.where(t > 300, 0.4, 0.95), failing=0.02)
    for history in (drifted, recent("digits", 300, version="2", seed=8), recent(HOSTILE, seed=9)):
        store.write(history.batch())
    for quiet in ("later", "empty"):
        store.write(History(quiet, time.time() - 260_000, time.time() - 259_940).batch())
    served = Site(store)
    yield served
    served.stop()
    store.close()


@pytest.fixture
def window(browser: Browser, site: Site) -> Iterator[Window]:
    """
    A window as wide as a laptop's.
    """
    yield from opened(browser, site, 1280)


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Window]:
    """
    A window as wide as a phone's.
    """
    yield from opened(browser, site, 390)


def opened(browser: Browser, site: Site, width: int) -> Iterator[Window]:
    """
    A window of its own, without anything remembered.
    """
    context = browser.new_context(viewport=ViewportSize(width=width, height=844))
    context.set_default_timeout(PATIENCE_MS)
    yield Window(context.new_page(), site)
    context.close()
