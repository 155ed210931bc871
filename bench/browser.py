"""Today in a real browser, for `bench.pages`: a cold draw against an empty page, and a click on a range.

Each cold draw has a browser context of its own, with nothing in its cache; both apps run already, and take turns.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.measure import ROOT, Figure

DRAWS, CLICKS = 5, 9
COLD_RATIO, CLICK_S = 1.25, 0.25
AT = "/?instrument=DEMO&day=2026-01-28&clock=23:20"
EMPTY = 'import streamlit as st\n\nst.write("empty")\n'


def figures(home: Path) -> list[Figure]:
    """Return both rows, measured on the demo in `home`."""
    works = ("Today, cold in a browser", "a click on a range → its card")
    try:
        from playwright.sync_api import Browser, sync_playwright

        from tests.browser import conftest as helpers
    except ImportError as error:
        return [Figure(work, "–", f"{error.name} is not installed", None, COLD_RATIO) for work in works]
    chromium = helpers.chromium_path()
    if chromium is None:
        return [Figure(work, "–", "no Chromium here", None, COLD_RATIO) for work in works]

    @contextmanager
    def running(script: Path, folder: Path) -> Iterator[str]:
        app, server = helpers._start(script, folder, {"HUB_HOME": str(home)})
        try:
            yield app.url
        finally:
            server.terminate()
            server.wait(timeout=10)

    def cold(browser: Browser, url: str) -> float:
        context = browser.new_context(viewport=helpers.DESKTOP)
        page = context.new_page()
        begun = time.perf_counter()
        page.goto(url)
        helpers.wait_until_quiet(page)
        seconds = time.perf_counter() - begun
        context.close()
        return seconds

    def clicks(browser: Browser, url: str) -> list[float]:
        page = browser.new_page()
        page.goto(url)
        helpers.wait_until_quiet(page)
        found = []
        for number in range(CLICKS):
            name = ("18:00", "11:00")[number % 2]
            begun = time.perf_counter()
            page.get_by_role("radio", name=name, exact=True).click()
            page.get_by_text(f"Model · {name}").wait_for()
            found.append(time.perf_counter() - begun)
            helpers.wait_until_quiet(page)
        page.close()
        return found

    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folders = [Path(made) / name for name in ("empty", "hub")]
        for folder in folders:
            folder.mkdir()
        script = Path(made) / "empty.py"
        script.write_text(EMPTY, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=helpers.FLAGS)
        with running(script, folders[0]) as empty, running(ROOT / "app_trading_hub.py", folders[1]) as hub:
            for url in (empty, hub, hub + AT):  # a deep link must not be the first request
                with suppress(TimeoutError):
                    cold(browser, url)
            draws = [(cold(browser, empty), cold(browser, hub + AT)) for _ in range(DRAWS)]
            clicked = statistics.median(clicks(browser, hub + AT))
        browser.close()
    least, taken = (min(times) for times in zip(*draws, strict=True))
    return [
        Figure(works[0], f"empty page {least:.2f} s", f"{taken:.2f} s", taken / least, COLD_RATIO),
        Figure(works[1], "–", f"{clicked:.2f} s", clicked, CLICK_S, "s"),
    ]


if __name__ == "__main__":
    print(*(figure.row for figure in figures(Path(os.environ["HUB_HOME"]))), sep="\n")
