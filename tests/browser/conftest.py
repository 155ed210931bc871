"""A Streamlit server on a free port, and pages of it in Chromium: shared by every browser test.

A server is started from a copy of its script beside a copy of `static/`, so that the fonts are served wherever the
script lives; the working folder stays the checkout, whose `.streamlit/config.toml` is the one under test.
"""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

CHECKOUT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
DESKTOP: ViewportSize = {"width": 1600, "height": 1000}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class App:
    """A running app: its address (no slash at the end) and the file its log goes to."""

    url: str
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")


def chromium_path() -> str | None:
    for candidate in (os.environ.get("CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium")):
        if candidate and Path(candidate).exists():
            return candidate
    return None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium at $CHROMIUM or /usr/bin/chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def start_app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., App]]:
    """Return `start(script, **environment)`: it starts the app once and gives the running one back after that."""
    _needs_installed_hub()
    running: dict[tuple[object, ...], tuple[App, subprocess.Popen[bytes]]] = {}

    def start(script: Path, **environment: str) -> App:
        key = (script, *sorted(environment.items()))
        if key not in running:
            folder = tmp_path_factory.mktemp("app")
            running[key] = _start(script, folder, environment)
            _warm_up(browser, running[key][0])
        return running[key][0]

    yield start
    for _, server in running.values():
        server.terminate()
        server.wait(timeout=10)


def _needs_installed_hub() -> None:
    try:
        importlib.metadata.version("trading-hub")
    except importlib.metadata.PackageNotFoundError:
        pytest.fail("the price chart is found by the installed distribution: pip install --no-deps -e .")


def _start(script: Path, folder: Path, environment: dict[str, str]) -> tuple[App, subprocess.Popen[bytes]]:
    shutil.copytree(CHECKOUT / "static", folder / "static")
    copy = Path(shutil.copy(script, folder))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = App(f"http://127.0.0.1:{port}", folder / "server.log")
    command = [sys.executable, "-m", "streamlit", "run", str(copy), f"--server.port={port}", "--server.headless=true"]
    with app.log_file.open("wb") as log:
        server = subprocess.Popen(
            command, cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=1) as answer:  # noqa: S310
                if answer.status == 200:
                    return app, server
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
    server.kill()
    pytest.fail(f"the app did not become healthy:\n{app.log()}")


def _warm_up(browser: Browser, app: App) -> None:
    """Open `/` first: a deep link as the first request after a start shows "Page not found"."""
    page = browser.new_page()
    page.goto(app.url)
    wait_until_quiet(page)
    page.close()


def wait_until_quiet(page: Page, loading: int = 0, timeout: float = 30_000) -> None:
    """Wait until the script is not running, nothing is stale or loading, fonts are there and charts are drawn.

    `loading` is how many of the page's own skeletons stay on purpose: a page that shows its loading state.
    """
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=timeout)
    page.wait_for_function(
        """(loading) => document.querySelectorAll('[data-testid="stSkeletonElement"]').length === loading
            && !document.querySelector('[data-testid="stSkeleton"], [data-testid="stAppSkeleton"], [data-stale="true"]')
            && document.fonts.status === "loaded"
            && [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')].every(
                (host) => host.shadowRoot?.querySelector(".price-chart")?.hasAttribute("data-ready"))""",
        arg=loading,
        timeout=timeout,
    )


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Callable[[str, dict[str, int]], BrowserContext]]:
    """Return `context(scheme, viewport)`: one of each kind, so that later pages come from the browser's cache."""
    opened: dict[tuple[str, int], BrowserContext] = {}

    def context(scheme: str, viewport: dict[str, int]) -> BrowserContext:
        key = (scheme, viewport["width"])
        if key not in opened:
            opened[key] = browser.new_context(
                viewport=viewport,  # type: ignore[arg-type]
                color_scheme=scheme,  # type: ignore[arg-type]
                timezone_id="Australia/Brisbane",
                locale="en-GB",
                has_touch=viewport == PHONE,
            )
        return opened[key]

    yield context
    for one in opened.values():
        one.close()


@pytest.fixture
def open_page(contexts: Callable[[str, dict[str, int]], BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Return `open(app, path="/", scheme="dark", viewport=DESKTOP, loading=0)`: a quiet page, closed afterwards."""
    pages: list[Page] = []

    def open_(
        app: App, path: str = "/", scheme: str = "dark", viewport: dict[str, int] = DESKTOP, loading: int = 0
    ) -> Page:
        page = contexts(scheme, viewport).new_page()
        pages.append(page)
        page.goto(app.url + path)
        wait_until_quiet(page, loading)
        return page

    yield open_
    for page in pages:
        page.close()
