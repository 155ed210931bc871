"""The login as people meet it: `hub app` listening on every address, an OpenID provider, a real browser."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

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


PATIENCE = 20_000
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> ![seen](https://example.com/seen.png) :red[stop] `x`"
WATCH = """
import os, sys
def heard(event, given, log=os.open(os.environ["CONNECTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        os.write(log, f"{event} {given[1] if event != 'socket.getaddrinfo' else given[0]}\\n".encode())
sys.addaudithook(heard)
"""
"""What Python runs first in every process of the hub: it writes down whom the process would speak to."""


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
        watch = tmp_path_factory.mktemp("watch")
        (watch / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
        paths = os.pathsep.join((str(watch), os.environ.get("PYTHONPATH", "")))
        watched = {"PYTHONPATH": paths, "CONNECTIONS": str(home / "connections")}
        with log_file.open("wb") as log:
            server = subprocess.Popen(
                [*command, "--port", str(port)], cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **people, **watched, "HUB_HOME": str(home)},
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
    expect(page.get_by_text("eve@example.com is not known to this hub")).to_be_visible(timeout=PATIENCE)
    assert "Models" not in page.inner_text("body")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=PATIENCE)
    log = hub.log_file.read_text(encoding="utf-8")
    assert "eve@example.com is not known" in log
    assert SECRET not in log
    assert COOKIE_SECRET not in log


def test_a_viewer_sees_the_shelf_and_cannot_move_it(hub: OpenHub, page: Page):
    log_in(page, hub, "vic")
    expect(page.get_by_text("vic@example.com, viewer", exact=True)).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("vic@example.com is a viewer here: only an owner may")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Promote …")).to_be_disabled(timeout=PATIENCE)


def test_an_owner_promotes_under_their_own_name_and_what_they_type_stays_text(hub: OpenHub, page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    log_in(page, hub, "olga")
    page.get_by_role("link", name="Models").click()
    page.get_by_label("Why").fill(HOSTILE)
    page.get_by_role("button", name="Promote …").click()
    expect(page.get_by_text("because: <img src=x onerror=")).to_contain_text(":red[stop]", timeout=PATIENCE)
    page.get_by_role("button", name="Yes, move it").click()
    expect(page.get_by_text("by olga@example.com: <img src=x")).to_be_visible(timeout=PATIENCE)
    assert ModelRegistry(hub.home / REGISTRY).journal(MODEL)[-1].who == "olga@example.com"
    page.goto(f"{hub.url}/models?instrument={quote('![seen](https://example.com/seen.png)')}")
    expect(page.get_by_text("are stored. Stored: MGC")).to_be_visible(timeout=PATIENCE)
    assert page.title() != "owned"
    expect(page.locator("img[src*='example.com']")).to_have_count(0)
    elsewhere = [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert elsewhere == []


def test_the_hub_speaks_to_nobody_but_the_provider_that_it_was_given(hub: OpenHub, page: Page):
    log_in(page, hub, "vic")
    heard = (hub.home / "connections").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("socket.connect ('127.0.0.1'") for line in heard)  # the provider: the watch works
    outside = [line for line in heard if not re.search(r"'?(127\.0\.0\.1|::1|localhost|0\.0\.0\.0)\b|/", line)]
    assert outside == []


def test_a_page_of_another_origin_is_not_let_in_and_protections_stand(hub: OpenHub):
    place = hub.url.removeprefix("http://")
    with socket.create_connection((place.partition(":")[0], int(place.partition(":")[2]))) as connection:
        connection.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {place}\r\nOrigin: http://localhost.example\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 403")
