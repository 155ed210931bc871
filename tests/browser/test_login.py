"""The login as people meet it: `hub app` listening on every address, an OpenID provider, a real browser."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ml_models.model_registry import ModelRegistry
from tests.app_pages.small_home import make_home
from tests.browser.conftest import CHECKOUT, wait_until_quiet
from tests.browser.oidc_provider import CLIENT, SECRET, serving
from tests.hub_home import REGISTRY
from tests.ml_models.drafts import at, draft

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("login")]  # one hub, one provider
MODEL = "directional-MGC"
PEOPLE = {
    name: {"email": f"{name}@example.com", "email_verified": True} for name in ("olga", "vic", "eve")
}  # eve is nobody here
COOKIE_SECRET = "cookie-secret-of-the-test-0123456789abcdef"  # noqa: S105 - a made-up one


@dataclass(frozen=True)
class OpenHub:
    """A hub that is open to the network behind a login."""

    url: str
    home: Path
    log_file: Path


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenHub]:
    home = tmp_path_factory.mktemp("login")
    registry = ModelRegistry(home / REGISTRY)
    old, _ = (registry.publish(MODEL, draft(seed=seed), now=at(seed), who="ann", why="a seed") for seed in (1, 2))
    registry.promote(MODEL, old, now=at(11), who="ann", why="the first")
    make_home(home, built=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(PEOPLE) as provider:
        (home / "secrets.toml").write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{COOKIE_SECRET}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{provider.address}/.well-known/openid-configuration"\n',
            encoding="utf-8",
        )
        people = {
            "HUB_ACCESS__OWNERS": '["olga@example.com"]',
            "HUB_ACCESS__VIEWERS": '["vic@example.com"]',
        }
        command = [sys.executable, "-m", "ml_scripts.hub", "app", "--address", "0.0.0.0", "--no-browser"]  # noqa: S104
        log_file = home / "app.log"
        with log_file.open("wb") as log:
            server = subprocess.Popen(
                [*command, "--port", str(port)], cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **people, "HUB_HOME": str(home)},
            )  # fmt: skip
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}", server, log_file)
            yield OpenHub(f"http://127.0.0.1:{port}", home, log_file)
        finally:
            server.terminate()
            server.wait(timeout=10)


def _wait_until_healthy(url: str, server: subprocess.Popen[bytes], log_file: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"the hub did not start:\n{log_file.read_text()}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1100})
    yield context.new_page()
    context.close()


def log_in(page: Page, hub: OpenHub, name: str) -> None:
    page.goto(hub.url)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"{hub.url}/**")
    wait_until_quiet(page)


def test_nobody_sees_a_page_before_the_login_and_nobody_unknown_after_it(hub: OpenHub, page: Page):
    page.goto(hub.url)
    wait_until_quiet(page)
    expect(page.locator(".stButton")).to_have_count(1)
    assert "Models" not in page.inner_text("body")
    log_in(page, hub, "eve")
    expect(page.get_by_text("eve@example.com is not known to this hub")).to_be_visible()
    assert "Models" not in page.inner_text("body")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    log = hub.log_file.read_text(encoding="utf-8")
    assert "eve@example.com is not known" in log
    assert SECRET not in log
    assert COOKIE_SECRET not in log


def test_a_viewer_sees_the_shelf_and_cannot_move_it(hub: OpenHub, page: Page):
    log_in(page, hub, "vic")
    expect(page.get_by_text("vic@example.com, viewer", exact=True)).to_be_visible()
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("vic@example.com is a viewer here: only an owner may")).to_be_visible()
    expect(page.get_by_role("button", name="Promote …")).to_be_disabled()


def test_an_owner_promotes_under_their_own_name(hub: OpenHub, page: Page):
    log_in(page, hub, "olga")
    page.get_by_role("link", name="Models").click()
    page.get_by_label("Why").fill("it was nearer to what came")
    page.get_by_role("button", name="Promote …").click()
    page.get_by_role("button", name="Yes, move it").click()
    expect(page.get_by_text("by olga@example.com: it was nearer")).to_be_visible()
    assert ModelRegistry(hub.home / REGISTRY).journal(MODEL)[-1].who == "olga@example.com"
