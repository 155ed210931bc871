"""The journal in a browser: filters stay in the address, a row opens at the side, what is shown is downloaded."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app_pages.small_home import shared_home
from tests.browser.conftest import CHECKOUT, PHONE, App, wait_until_quiet

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
JOURNAL = "/journal?day=2025-06-04"


@pytest.fixture
def hub(start_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> App:
    return start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(shared_home(tmp_path_factory.getbasetemp())))


def click_row(page: Page, row: int) -> None:
    box = page.locator(".st-key-journal_rows").get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 53 + 35 * row)  # the box at the row's start


def test_a_filter_is_a_click_and_stays_in_the_address(hub: App, open_page: OpenPage):
    page = open_page(hub, JOURNAL)
    expect(page.get_by_text("123 of 123 forecasts", exact=False)).to_be_visible()
    page.get_by_role("button", name="refused").click()
    expect(page.get_by_text("1 of 123 forecasts", exact=False)).to_be_visible()
    wait_until_quiet(page)
    assert "results=refused" in page.url
    page.get_by_role("button", name="missed").click()
    page.get_by_role("button", name="refused").click()
    expect(page.get_by_text("None of 123 forecasts matches these filters", exact=False).first).to_be_visible()


def test_a_row_opens_at_the_side_and_the_table_stays_where_it_was(
    start_app: Callable[..., App], logged_home: Path, open_page: OpenPage
):
    hub = start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(logged_home))
    page = open_page(hub, "/journal?day=2023-05-26")
    scroller = page.locator(".st-key-journal_rows .dvn-scroller")
    scroller.evaluate("(table) => table.scrollTo(0, 700)")
    click_row(page, 2)
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("sum to the answer", exact=False)).to_be_visible()
    expect(drawer.get_by_test_id("stCode")).to_contain_text("hub reproduce")
    expect(drawer.get_by_text("Five nearest past ranges", exact=False)).to_be_visible()
    wait_until_quiet(page)
    expect(page).to_have_url(re.compile("id="))
    page.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)
    expect(page).not_to_have_url(re.compile("id="))
    wait_until_quiet(page)
    assert scroller.evaluate("(table) => table.scrollTop") == 700
    click_row(page, 2)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_rows_are_downloaded_as_they_are_filtered(hub: App, open_page: OpenPage):
    page = open_page(hub, f"{JOURNAL}&results=refused")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith('"prediction_id","instrument","kind"')
    assert len(lines) == 2
    assert "2025-06-04T11:05:00.000000Z" in lines[1]


def test_on_a_phone_the_drawer_is_as_wide_as_the_screen_and_nothing_scrolls_sideways(hub: App, open_page: OpenPage):
    page = open_page(hub, JOURNAL, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page = open_page(hub, f"{JOURNAL}&id=p119", viewport=PHONE)
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_test_id("stCode")).to_have_text("hub reproduce p119")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    box = drawer.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= PHONE["width"] + 1


def test_nothing_outdated_or_wrong_is_logged(hub: App, open_page: OpenPage):
    open_page(hub, JOURNAL)
    for word in ("Traceback", "deprecat", "Warning", "will be removed"):
        assert word not in hub.log()
