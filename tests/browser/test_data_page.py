"""The Data page in a browser: drawn in both modes and on a phone; an empty store says what to do."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.app_pages.small_home import make_home, shared_home
from tests.app_pages.test_data_daily import put_daily
from tests.browser.conftest import CHECKOUT, PHONE, App

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
DATA = "/data?day=2025-06-04"
CHART = '[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg'


@pytest.fixture
def hub(start_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> App:
    return start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(shared_home(tmp_path_factory.getbasetemp())))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_drawn_whole_in_both_modes(hub: App, open_page: OpenPage, scheme: str):
    page = open_page(hub, DATA, scheme=scheme)
    expect(page.get_by_test_id("stMetric")).to_have_count(5)
    expect(page.locator(CHART)).to_have_count(2)
    expect(page.get_by_text("! stored with warnings")).to_be_visible()
    expect(page.get_by_text("Of 18 opening ranges 1 is void (1 no bars)", exact=False)).to_be_visible()
    expect(page.get_by_text("The contract never changed", exact=False)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_phone_scrolls_down_and_never_sideways(hub: App, open_page: OpenPage):
    page = open_page(hub, DATA, viewport=PHONE)
    expect(page.locator(CHART)).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_old_bars_are_a_warning_with_its_command(hub: App, open_page: OpenPage):
    page = open_page(hub, "/data")
    expect(page.get_by_text("The bars are behind")).to_be_visible()
    expect(page.get_by_text("hub ingest FILES --instrument MGC")).to_be_visible()


def test_day_bars_and_series_are_drawn_without_minutes(
    start_app: Callable[..., App], open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory
):
    base = tmp_path_factory.mktemp("daily")
    home = put_daily(make_home(base / "home", bars=False, built=False), base / "files")
    app = start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(home))
    page = open_page(app, "/data", viewport=PHONE)
    expect(page.get_by_text("COIN.US starts later than the others: a later listing is no gap.")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert "Traceback" not in app.log()


def test_an_empty_store_says_what_fills_it(
    start_app: Callable[..., App], open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory
):
    home = make_home(tmp_path_factory.mktemp("empty"), bars=False, built=False)
    app = start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(home))
    page = open_page(app, "/data")
    expect(page.get_by_text("No bars are stored yet")).to_be_visible()
    assert "Traceback" not in app.log()
