"""The price chart in a browser: drawn, updated in place, restyled, hovered, clicked; on a desktop and on a phone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, App, wait_until_quiet

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
RANGE = """async root => { // a range that was set is there in the next frame
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const range = root.chart.api.timeScale().getVisibleLogicalRange();
    return [range.from, range.to]; }"""


@pytest.fixture
def demo(start_app: Callable[[Path], App]) -> App:
    return start_app(Path(__file__).with_name("chart_demo_app.py"))


def chart_of(page: Page, bars: int) -> Locator:
    page.locator(f'.price-chart[data-bars="{bars}"]').wait_for()
    return page.locator(".price-chart")


def test_the_chart_shows_every_bar_and_the_last_one_in_words(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    assert chart.get_attribute("data-ready") == "demo 1 2300"
    assert chart.get_attribute("aria-label") == "DEMO 1m price chart, 861 bars"
    text = " ".join(chart.inner_text().split())
    assert text.startswith("DEMO · 1m Wed 17 Dec 23:20 AEST O 4361.7 H 4363.4 L 4360.8 C 4362.3 ▲ 0.6 Vol 190")
    assert chart.locator("#tv-attr-logo").get_attribute("href").startswith("https://www.tradingview.com")


def test_a_new_bar_is_added_in_place_and_the_zoom_stays(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    chart.evaluate("root => { root.kept = true; root.chart.candles.setData = () => { throw Error('set anew'); }; }")
    chart.hover(position={"x": 600, "y": 200})
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    before = chart.evaluate(RANGE)
    page.get_by_role("button", name="Add a bar").click()
    chart = chart_of(page, 862)
    assert chart.evaluate("root => root.kept")
    assert chart.evaluate(RANGE) == pytest.approx(before, abs=1e-6)
    assert before[1] - before[0] < 170


def test_a_bar_that_would_leave_the_picture_draws_the_view_along(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    chart.evaluate("root => root.chart.api.timeScale().setVisibleLogicalRange({ from: 800, to: 860.5 })")
    page.get_by_role("button", name="Add a bar").click()
    assert chart_of(page, 862).evaluate(RANGE) == pytest.approx([801, 861.5], abs=1e-6)


def test_drawing_the_same_again_touches_no_bar(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    chart.evaluate(
        """root => { root.touched = 0;
        for (const series of [root.chart.candles, root.chart.volume])
            for (const name of ["setData", "update"]) series[name] = () => { root.touched++; }; }"""
    )
    page.get_by_role("button", name="Draw again").click()
    expect(page.get_by_text("drawn 2 times")).to_be_visible()
    wait_until_quiet(page)
    assert chart.evaluate("root => root.touched") == 0


def test_another_range_and_other_bars_keep_the_chart_and_move_the_view(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    chart.evaluate("root => { root.kept = true; }")
    at_2300 = chart.evaluate(RANGE)
    page.get_by_text("0900", exact=True).click()
    page.locator('.price-chart[data-ready="demo 1 0900"]').wait_for()
    at_0900 = chart.evaluate(RANGE)
    assert at_0900[1] < 60 < at_2300[0]
    page.get_by_text("5", exact=True).click()
    page.locator('.price-chart[data-ready="demo 5 0900"][data-bars="173"]').wait_for()
    assert chart.evaluate("root => root.kept")


def test_the_buttons_show_the_range_and_the_day(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    near = chart.evaluate(RANGE)
    chart.get_by_role("button", name="Day").click()
    day = chart.evaluate(RANGE)
    assert day[0] < 0
    assert day[1] > 860
    chart.get_by_role("button", name="Range").click()
    assert chart.evaluate(RANGE) == pytest.approx(near, abs=1e-6)


def test_a_chart_without_bars_waits_and_takes_the_first_ones(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=first")
    chart = chart_of(page, 0)
    expect(chart.locator(".over")).to_have_text("DEMO · 1m · no bars", use_inner_text=True)
    chart.evaluate("root => { root.kept = true; }")
    page.get_by_role("button", name="The market opens").click()
    assert chart_of(page, 3).evaluate("root => root.kept")
    assert chart.evaluate(RANGE)[1] > 40


def test_hovering_tells_wall_time_with_its_zone_and_utc(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    x = chart.evaluate("root => root.chart.api.timeScale().logicalToCoordinate(840)")
    chart.hover(position={"x": x, "y": 200})
    expect(chart.locator(".when")).to_have_text("Wed 17 Dec 23:00 AEST · 13:00 UTC")


def test_a_click_on_a_range_box_picks_that_range(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    box = chart.evaluate("root => root.chart.layer.boxes.at(-1)")
    chart.click(position={"x": box["left"] + 8, "y": (box["top"] + box["bottom"]) / 2})
    expect(page.get_by_text("picked 2300", exact=False)).to_be_visible()


def test_switching_the_theme_restyles_the_same_chart(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=chart")
    chart = chart_of(page, 861)
    chart.evaluate("root => { root.kept = true; }")
    before = chart.evaluate(RANGE)
    assert chart.evaluate("root => root.chart.candles.options().borderUpColor") == "#2b9df4"
    page.emulate_media(color_scheme="light")
    page.locator('.price-chart[data-mode="light"]').wait_for()
    assert chart.evaluate("root => root.kept")
    assert chart.evaluate("root => root.chart.candles.options().borderUpColor") == "#0b6fc2"
    assert chart.evaluate(RANGE) == pytest.approx(before, abs=1e-6)


def test_directions_can_be_green_and_red(demo: App, open_page: OpenPage):
    page = open_page(demo, "/?part=day&colours=green_red", scheme="light")
    options = chart_of(page, 276).evaluate("root => root.chart.candles.options()")
    assert (options["upColor"], options["borderUpColor"], options["downColor"]) == ("transparent", "#0d7f66", "#c0362f")


@pytest.mark.parametrize("part", ["chart", "day", "days", "panels", "states", "statistics"])
def test_nothing_is_wider_than_the_phone(demo: App, open_page: OpenPage, part: str):
    page = open_page(demo, f"/?part={part}", viewport=PHONE, loading=int(part == "states"))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    wide = page.evaluate(
        """() => [...document.querySelectorAll('[class^="hub-"], [class^="hub-"] *')]
            .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.className)"""
    )
    assert wide == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_panels_say_in_words_what_their_colours_say(demo: App, open_page: OpenPage, scheme: str):
    page = open_page(demo, "/?part=panels", scheme=scheme)
    expect(page.locator(".hub-decision .state")).to_have_text(["●IN TRADE", "○WAIT", "◆READY", "■DONE"])
    expect(page.locator(".hub-verdict")).to_have_text(
        ["◆No measurable edge", "▲Favours the trade", "▼Against the trade", "…Too few outcomes to say"]
    )
    blue = {"dark": "rgb(43, 157, 244)", "light": "rgb(11, 111, 194)"}[scheme]
    expect(page.locator(".hub-decision.in-trade .state")).to_have_css("color", blue)


def test_no_request_leaves_this_machine_and_no_warning_is_logged(demo: App, open_page: OpenPage):
    page = open_page(demo)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for part in ("chart", "panels", "states", "statistics"):
        page.goto(f"{demo.url}/?part={part}")
        wait_until_quiet(page, loading=int(part == "states"))
    outside = [url for url in asked if not url.startswith((demo.url, "data:", "blob:"))]
    assert outside == []
    assert any(url.endswith("inter-latin-wght-normal.woff2") for url in asked)
    log = demo.log().lower()
    assert [word for word in ("deprecat", "traceback", "error", "will be removed") if word in log] == []
