"""
This module looks at the pages with a real browser.
"""

import re

from playwright.sync_api import Page, expect
from tests.browser.browsing import HOSTILE, PATIENCE_S, Site, Window, recent
from tests.running import until

from otel_confidence import figures
from otel_confidence.server import formats

MODEL = "/models/digits"
FIGURES = ["truth", "confidence", "reliability", "latency", "traffic"]


def drawn(page: Page, name: str) -> None:
    """
    Wait until a figure is drawn.
    """
    expect(page.locator(f"[data-figure={name}] .main-svg").first).to_be_visible()


def trace_of(window: Window) -> str:
    """
    The address of a trace, by the way a reader finds it.
    """
    link = window.open(MODEL).locator("[data-part=predictions] a").first
    return link.get_attribute("href") or ""


def test_pages_load_nothing_foreign_and_complain_of_nothing(window: Window) -> None:
    """
    Each page loads from its own host alone, without an error or warning in the console.
    """
    for path in ("/", MODEL, trace_of(window), formats.model_url(HOSTILE)):
        window.open(path)

    assert ([], []) == (window.complaints, window.foreign)


def test_every_figure_is_drawn_with_resolved_colors(window: Window) -> None:
    """
    All five figures stand on the page with titled axes, and no color is left unresolved.
    """
    page = window.open(MODEL)

    for name in FIGURES:
        drawn(page, name)
        place = page.locator(f"[data-figure={name}]")
        assert place.locator(".xtitle").text_content()
        assert place.locator(".ytitle").text_content()
        assert "var(--" not in place.inner_html()
    assert page.locator("[data-figure=confidence] image").count()
    assert figures.LIGHT.surface == page.evaluate(
        "document.querySelector('[data-figure=truth]').layout.paper_bgcolor"
    )


def test_a_page_updates_itself(window: Window) -> None:
    """
    A model that begins to report appears without a reload, and the page says when in UTC.
    """
    page = window.open("/")
    link = page.get_by_role("link", name="newcomer")
    assert 0 == link.count()

    window.site.store.write(recent("newcomer", 60, seed=21).batch())

    expect(link).to_be_visible()
    expect(page.locator("[data-status]")).to_have_text(re.compile(r"Updated \d\d:\d\d:\d\d UTC"))


def test_figures_update_themselves(window: Window) -> None:
    """
    New reports move a drawn figure without a reload.
    """
    window.site.store.write(recent("moving", 120, seed=22).batch())
    page = window.open("/models/moving")
    drawn(page, "truth")
    accuracy = "document.querySelector('[data-figure=truth]')._fullData[0].y"
    points = f"[...{accuracy}].filter(Number.isFinite).length"
    before = page.evaluate(points)

    window.site.store.write(recent("moving", 600, seed=23, version="2").batch())

    until(lambda: page.evaluate(points) > before + 20, patience_s=PATIENCE_S)


def test_an_empty_page_says_what_to_do_and_fills_itself(window: Window) -> None:
    """
    A model without data shows how to get some, and its figures as soon as it has.
    """
    page = window.open("/models/later")
    expect(page.get_by_text("Nothing from this model")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("oc.track_confidence")
    expect(page.locator("[data-figure=truth]")).to_be_hidden()

    window.site.store.write(recent("later", 60, seed=24).batch())

    drawn(page, "truth")
    expect(page.get_by_text("Nothing from this model")).to_be_hidden()


def test_nothing_overflows_a_phone(phone: Window) -> None:
    """
    At 390 pixels no page scrolls sideways, whatever the names in it.
    """
    wide = dict.fromkeys(("/", MODEL, formats.model_url(HOSTILE), "/models/empty"), 0)
    found = {}

    for path in wide:
        phone.open(path)
        found[path] = phone.overflow()
    phone.open(trace_of(phone)).locator("summary").first.click()

    assert wide == found
    assert 0 == phone.overflow()


def test_dark_follows_the_system_while_open(window: Window) -> None:
    """
    When the system turns dark, page and figures turn dark without a reload, and back.
    """
    page = window.open(MODEL)
    drawn(page, "truth")
    color = "document.querySelector('[data-figure=truth]').layout.paper_bgcolor"
    ink = "getComputedStyle(document.body).color"
    shown = [(page.evaluate(color), page.evaluate(ink))]

    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        surface = figures.DARK.surface if scheme == "dark" else figures.LIGHT.surface
        page.locator(f"[data-figure=truth] .main-svg[style*='{rgb(surface)}']").first.wait_for()
        shown.append((page.evaluate(color), page.evaluate(ink)))

    assert [figures.LIGHT.surface, figures.DARK.surface, figures.LIGHT.surface] == [
        surface for surface, _ in shown
    ]
    assert shown[0] == shown[2]
    assert shown[0][1] != shown[1][1]


def rgb(color: str) -> str:
    """
    A color as browsers write it.
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"


def test_a_trace_is_reached_and_drawn(window: Window) -> None:
    """
    A low-confidence prediction leads to its trace: waterfall, spans and events.
    """
    page = window.open(MODEL)

    page.locator("[data-part=predictions] a").first.click()

    drawn(page, "waterfall")
    expect(page.locator("[data-figure=waterfall] .ytick").first).to_contain_text("POST /classify")
    expect(page.locator("[data-part=events]")).to_contain_text("ml.prediction.low_confidence")
    assert ([], []) == (window.complaints, window.foreign)


def test_a_silent_server_is_said_until_it_answers_again(window: Window, site: Site) -> None:
    """
    While the server is gone the page keeps what it has, says from when, and recovers by itself.
    """
    page = window.open("/")
    notice = page.get_by_role("alert")

    site.stop()
    try:
        expect(notice).to_contain_text("The server does not answer. What you see is from")
        expect(page.get_by_role("link", name="digits", exact=True)).to_be_visible()
    finally:
        site.start()

    expect(notice).to_be_hidden()


def test_an_update_leaves_the_keyboards_focus(window: Window) -> None:
    """
    A focused link is still focused after its table was replaced.
    """
    page = window.open("/")
    page.get_by_role("link", name="digits", exact=True).focus()

    window.site.store.write(recent("another", 60, seed=25).batch())

    expect(page.get_by_role("link", name="another")).to_be_visible()
    expect(page.get_by_role("link", name="digits", exact=True)).to_be_focused()


def test_choosing_a_version_shows_it(window: Window) -> None:
    """
    Version and window are chosen by keyboard or pointer and stand in the address.
    """
    page = window.open(MODEL)

    page.get_by_label("Version").select_option("2")
    page.wait_for_url("**/models/digits?window=15m&version=2")
    page.get_by_role("link", name="1h", exact=True).click()

    page.wait_for_url("**/models/digits?window=1h&version=2")
    expect(page.get_by_label("Version")).to_have_value("2")
    expect(page.locator("[aria-current=true]")).to_have_text("1h")


def test_a_hostile_name_runs_nothing(window: Window) -> None:
    """
    A name made of markup is shown as it is, and what it would run does not run.
    """
    page = window.open(formats.model_url(HOSTILE))
    drawn(page, "confidence")

    heading = page.get_by_role("heading", level=1)
    assert HOSTILE == heading.text_content()
    assert page.evaluate("window.attacked === undefined")
    assert 0 == page.locator("main img").count()
