"""
This module looks at the pages of alerts, rules and objectives with a real browser.
"""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.browsing import Site, Window
from tests.browser.conftest import PATIENCE_MS, opened
from tests.server.watched import watched

from otel_confidence.alerting.service import Alerting

PATHS = ("/alerts", "/rules", "/slos")
_CONTRAST = """
(element) => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const over = (top, below) => top.slice(0, 3).map((c, i) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return c * alpha + below[i] * (1 - alpha);
  });
  const light = (color) => {
    const [r, g, b] = color.map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (each) => {
    if (!each) return [255, 255, 255];
    const own = parse(getComputedStyle(each).backgroundColor);
    return own.length > 3 && own[3] === 0 ? ground(each.parentElement)
      : over(own, ground(each.parentElement));
  };
  const back = ground(element);
  const [a, b] = [light(over(parse(getComputedStyle(element).color), back)), light(back)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
"""


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Alerting]]:
    """Pages over half an hour in which alerts fired and a budget burned."""
    folder = tmp_path_factory.mktemp("watched")
    with watched(folder, time.time(), notify=[str(folder / "told.jsonl")]) as (store, alerting):
        site = Site(store, alerting)
        yield site, alerting
        site.stop()


@pytest.fixture(name="watcher")
def _watcher(browser: Browser, world: tuple[Site, Alerting]) -> Iterator[Window]:
    """A window as wide as a laptop's."""
    yield from opened(browser, world[0], 1280)


@pytest.fixture(name="pocket")
def _pocket(browser: Browser, world: tuple[Site, Alerting]) -> Iterator[Window]:
    """A window as wide as a phone's."""
    yield from opened(browser, world[0], 390)


def test_an_alert_is_silenced_and_heard_again(
    watcher: Window, world: tuple[Site, Alerting]
) -> None:
    """
    From the alert to its silence and back, by links, form and button alone.
    """
    page = watcher.open("/alerts")
    row = page.locator("[data-part=active] tr", has_text="ModelIsBusy")

    row.get_by_role("link", name="Silence").click()
    page.get_by_label("For how long").fill("30m")
    page.get_by_label("Why").fill("a rehearsal")
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(row).to_contain_text("firing, silenced")
    made = [each.comment for each in world[1].silencing.all()]
    page.get_by_role("button", name="Lift the silence: a rehearsal").click()

    expect(page.locator("[data-part=silences]")).to_contain_text("None.")
    expect(row).not_to_contain_text("silenced")
    assert ["a rehearsal"] == made
    assert ([], []) == (watcher.complaints, watcher.foreign)


def test_what_a_reader_opened_stays_open(watcher: Window, world: tuple[Site, Alerting]) -> None:
    """
    An update of the list of rules neither closes a group nor takes the focus from it.
    """
    page = watcher.open("/rules")
    summary = page.locator("#group-1 > summary")
    summary.click()
    group = world[1].groups[0]
    before = group.duration_s

    group.duration_s = 77.7
    expect(summary).to_contain_text("took 1.3")
    group.duration_s = before

    expect(page.locator("#group-1")).to_have_attribute("open", "")
    expect(summary).to_be_focused()


def test_budgets_and_their_burn_are_drawn(watcher: Window) -> None:
    """
    Both figures stand on the page of objectives, of the objective that the reader chose.
    """
    page = watcher.open("/slos")

    page.get_by_role("link", name="digits-availability").click()

    expect(page.locator("[data-part=chosen]")).to_have_text("digits-availability")
    for name in ("left", "burn"):
        expect(page.locator(f"[data-figure={name}] .main-svg").first).to_be_visible()
    assert ([], []) == (watcher.complaints, watcher.foreign)


def test_nothing_overflows_a_phone(pocket: Window) -> None:
    """
    At 390 pixels none of the pages scrolls sideways.
    """
    found = {}

    for path in PATHS:
        pocket.open(path)
        found[path] = pocket.overflow()

    assert dict.fromkeys(PATHS, 0) == found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_enough_contrast(watcher: Window, scheme: str) -> None:
    """
    Every text on the pages reaches a contrast of 4.5 with what lies behind it.
    """
    watcher.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    faint = {}

    for path in PATHS:
        page = watcher.open(path)
        faint[path] = _faint(page)

    assert {path: [] for path in PATHS} == faint


def _faint(page: Page) -> list[str]:
    texts = page.locator("main :is(h1, h2, h3, p, th, td, dt, dd, small, a, label, button, .badge)")
    found: list[str] = texts.evaluate_all(
        "(elements) => elements.filter((each) => each.checkVisibility() && each.innerText.trim())"
        f".filter((each) => ({_CONTRAST})(each) < 4.5).map((each) => each.innerText)"
    )
    return found


def test_every_field_has_a_name(watcher: Window) -> None:
    """
    Fields and buttons of the form are named to those who do not see them.
    """
    page = watcher.open("/alerts")

    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, textarea, select')]"
        ".filter((each) => !each.labels.length).map((each) => each.outerHTML)"
    )

    assert [] == unnamed


def test_the_pages_are_read_without_javascript(
    browser: Browser, world: tuple[Site, Alerting]
) -> None:
    """
    What fires, rules and budgets are there, and a silence is made, where no script runs.
    """
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{world[0].url}/rules")
    rules = page.locator("#group-5").inner_text()
    page.goto(f"{world[0].url}/slos")
    budget = page.locator("[data-part=budgets]").inner_text()
    page.goto(f"{world[0].url}/alerts")
    page.get_by_label("Matchers").fill("severity=info")
    page.get_by_label("Why").fill("none")
    page.get_by_role("button", name="Silence", exact=True).click()
    problem = page.locator("#problem").inner_text()
    kept = page.get_by_label("Why").input_value()
    context.close()

    assert "1 failing" in rules
    assert "digits-accuracy" in budget
    assert "expected matchers such as" in problem
    assert "none" == kept
