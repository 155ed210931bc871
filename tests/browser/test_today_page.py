"""Today in a browser: on a desktop and on a phone, dark and light, clicked, left open, and turned away from."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from ml_data.store import Store
from tests.app_pages.today_home import make_home
from tests.browser.conftest import CHECKOUT, PHONE, App, wait_until_quiet

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
IN_TRADE = "/?day=2025-03-04&clock=23:07"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def hub(start_app: Callable[..., App], home: Path) -> App:
    return start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(home))


def card(page: Page) -> Locator:
    return page.get_by_text("Model · ")


def option(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


def row(page: Page, number: int) -> tuple[float, float]:
    """Where to click on a row of the table, counted from 0, which the browser paints as one picture."""
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    return box["x"] + 150, box["y"] + 35 * (number + 1) + 17


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_first_screen_says_market_now_model_and_age(hub: App, open_page: OpenPage, scheme: str):
    page = open_page(hub, IN_TRADE, scheme=scheme)
    expect(page.locator(".hub-decision .state").first).to_have_text("!SYNTHETIC DATA")
    strip = " ".join(page.locator(".hub-strip").inner_text().split())
    price = r"DEMOJ5 · Demo market \(synthetic\) 2,1\d\d\.\d ?[▲▼] [\d.]+ \([+−][\d.]+%\)"
    assert re.match(
        price + " Session Pre New York 23:00–00:30 Brisbane Next range 00:30 Brisbane, in 1 h 23 min", strip
    )
    assert re.search(r"Data Replay last bar 23:06, 0 min old · \d+ of \d+ min without a trade$", strip)
    expect(page.locator(".hub-decision.in-trade .sentence")).to_contain_text("23:00 short from 2,1")
    expect(card(page)).to_have_text("Model · 23:00")
    expect(page.locator(".hub-verdict")).to_have_text("◆No measurable edge")
    for part in (".hub-strip", ".hub-decision.in-trade", ".price-chart", ".hub-verdict"):
        assert page.locator(part).evaluate("part => part.getBoundingClientRect().bottom <= innerHeight")


def test_a_click_on_a_range_shows_its_card_and_stands_in_the_url(hub: App, open_page: OpenPage):
    page = open_page(hub, IN_TRADE)
    option(page, "18:00").click()
    expect(card(page)).to_have_text("Model · 18:00")
    page.locator('.price-chart[data-ready*=" 1800 "]').wait_for()
    expect(page).to_have_url(f"{hub.url}/?day=2025-03-04&clock=23%3A07&orb=1800")
    option(page, "23:00").click()
    expect(page).to_have_url(f"{hub.url}/?day=2025-03-04&clock=23%3A07")


def test_a_click_on_a_row_of_the_table_selects_its_range(hub: App, open_page: OpenPage):
    page = open_page(hub, IN_TRADE)
    page.mouse.click(*row(page, 2))
    expect(card(page)).to_have_text("Model · 11:00")
    wait_until_quiet(page)
    page.mouse.click(*row(page, 0))
    expect(card(page)).to_have_text("Model · 09:00")


def test_a_click_on_a_box_of_the_chart_selects_its_range(hub: App, open_page: OpenPage):
    page = open_page(hub, IN_TRADE)
    chart = page.locator(".price-chart")
    chart.get_by_role("button", name="Day").click()
    box = chart.evaluate(
        """async root => { await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
        return root.chart.layer.boxes.find((box) => box.range.name === "1800"); }"""
    )
    chart.click(position={"x": box["left"] + 2, "y": (box["top"] + box["bottom"]) / 2})
    expect(card(page)).to_have_text("Model · 18:00")


def test_bars_and_zone_change_what_is_shown_and_a_deep_link_brings_them_back(hub: App, open_page: OpenPage):
    page = open_page(hub, IN_TRADE)
    option(page, "5m").click()
    page.locator('.price-chart[data-ready*=" 5m "]').wait_for()
    option(page, "UTC").click()
    expect(page.locator(".hub-strip")).to_contain_text("13:00–14:30 UTC")
    page.locator('.price-chart[data-ready$=" UTC"]').wait_for()
    again = open_page(hub, page.url.removeprefix(hub.url))
    again.locator('.price-chart[data-ready="DEMOJ5 2025-03-04 5m 2300 UTC"]').wait_for()


def test_turning_to_another_page_and_back_keeps_the_replay_and_leaving_it_shows_the_present(
    hub: App, open_page: OpenPage
):
    page = open_page(hub, IN_TRADE)
    page.get_by_role("link", name="Data").click()
    expect(page).to_have_url(f"{hub.url}/data?day=2025-03-04&clock=23%3A07")
    page.get_by_role("link", name="Today").click()
    expect(page.locator(".hub-decision.in-trade")).to_be_visible()
    page.get_by_role("button", name="Show the present").click()
    expect(page.locator(".hub-strip")).to_contain_text("Behind")
    expect(page.get_by_text("days old")).to_be_visible()
    expect(page).to_have_url(f"{hub.url}/")


@pytest.mark.parametrize("path", [IN_TRADE, "/", "/?day=2025-03-05&clock=09:00", "/?day=2025-03-04"])
def test_nothing_is_wider_than_the_phone(hub: App, open_page: OpenPage, path: str):
    page = open_page(hub, path, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")


def test_a_page_left_open_shows_what_comes_to_be_stored_and_keeps_the_chart(hub: App, open_page: OpenPage, home: Path):
    page = open_page(hub, "/?day=2025-02-18&clock=10:07")
    chart = page.locator(".price-chart")
    chart.evaluate("root => { root.kept = true; }")
    expect(page.locator(".hub-verdict")).to_be_visible()
    store = Store(home / "ml_data")
    with store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day = DATE '2025-02-18'")
    store.close()
    expect(page.get_by_text("No forecast: directional-DEMO: nothing is published yet.")).to_be_visible(timeout=9_000)
    assert chart.evaluate("root => root.kept")


def test_no_request_leaves_this_machine_and_no_warning_is_logged(hub: App, open_page: OpenPage):
    page = open_page(hub)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in (IN_TRADE, "/?day=2025-03-04&clock=18:03", "/?day=2025-03-05&clock=09:00", "/"):
        page.goto(hub.url + path)
        wait_until_quiet(page)
    assert [url for url in asked if not url.startswith((hub.url, "data:", "blob:"))] == []
    log = hub.log().lower()
    assert [word for word in ("deprecat", "traceback", "error", "will be removed") if word in log] == []


def test_today_has_an_address_like_every_other_page(open_page: OpenPage, hub: App):
    page = open_page(hub, "/today" + IN_TRADE.removeprefix("/"))
    expect(page.locator(".hub-decision.in-trade .sentence")).to_contain_text("23:00 short from 2,1")
    assert page.get_by_text("Page not found").count() == 0
    page.get_by_role("link", name="Journal").first.click()
    wait_until_quiet(page)
    assert "/journal?" in page.url
    assert "day=2025-03-04" in page.url
