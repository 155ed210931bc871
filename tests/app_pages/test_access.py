"""Who is let in and what they may do: roles, the login's people, and a hub that stands open."""

import getpass
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app_pages.access import LEAST_ROLE, ROLES, Reader, allowed, why_not
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from tests.app_pages.small_home import make_home, many_forecasts
from tests.hub_home import REGISTRY
from tests.ml_models.drafts import at, draft
from trading.exposure import SAFE_OPTIONS, login_gap
from trading.settings import CHECKOUT, AccessSettings

Open = Callable[..., AppTest]
MODEL = "directional-MGC"
AUTH = {
    "redirect_uri": "https://hub.example.com/oauth2callback",
    "cookie_secret": "0123456789" * 4,
    "client_id": "hub",
    "client_secret": "of the provider",
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
}
PEOPLE = {"OWNERS": "ann@example.com", "TRADERS": "tom@example.com", "VIEWERS": "vic@example.com"}


@pytest.fixture(scope="session")
def access_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, the older one champion."""
    home = tmp_path_factory.mktemp("access")
    registry = ModelRegistry(home / REGISTRY)
    old, _ = (registry.publish(MODEL, draft(seed=seed), now=at(seed), who="ann", why="a seed") for seed in (1, 2))
    registry.promote(MODEL, old, now=at(11), who="ann", why="the first")
    return make_home(home, built=False)


def with_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for group, name in PEOPLE.items():
        monkeypatch.setenv(f"HUB_ACCESS__{group}", f'["{name}"]')


def the_app() -> AppTest:
    return AppTest.from_file(str(CHECKOUT / "app_trading_hub.py"), default_timeout=60)


def models_page() -> None:
    from app_pages import models
    from app_pages.access import admit
    from app_pages.context import open_context

    if admit():
        models.draw(open_context())


def journal_page() -> None:
    from app_pages import journal
    from app_pages.context import open_context

    journal.draw(open_context())


@pytest.fixture
def open_models(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return `open(home, page=models_page, event="", **user)`: a page behind a login, read by whom that describes."""
    with_login(monkeypatch)

    def open_(home: Path, page: Callable[[], None] = models_page, event: str = "", **user: object) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        app = AppTest.from_function(page, default_timeout=30)
        if event:
            app.query_params["id"] = event
        app.secrets["auth"] = AUTH
        app.user = {"is_logged_in": False, **user}
        app.run()
        assert not app.exception
        return app

    return open_


def closed(app: AppTest) -> str:
    """What a page says that shows nothing else."""
    assert not app.exception
    assert not app.dataframe
    [error] = app.error
    return str(error.value)


def test_each_role_may_do_what_the_one_before_it_may_and_more():
    may = {role: {deed for deed in LEAST_ROLE if allowed(role, deed)} for role in ROLES}
    assert may["viewer"] == {"see", "download"}
    assert may["trader"] == may["viewer"] | {"note", "test_alert"}
    assert may["owner"] == may["trader"] | {"promote", "rollback", "rearm"}


def test_a_refusal_names_the_reader_and_who_may_instead():
    refused = [(role, deed) for role, deed in product(ROLES, LEAST_ROLE) if not allowed(role, deed)]
    assert len(refused) == 8
    for role, deed in refused:
        assert why_not(Reader("vic", role), deed).startswith(f"vic is a {role} here: only a")
    assert (
        why_not(Reader("vic", "viewer"), "note")
        == "vic is a viewer here: only a trader or an owner may note what was done."
    )


def test_on_this_machine_without_a_login_its_user_is_the_owner(
    access_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    home = Path(shutil.copytree(access_home, tmp_path / "home"))
    monkeypatch.setenv("HUB_HOME", str(home))
    app = AppTest.from_function(models_page, default_timeout=30).run()
    assert not app.get("log_out")
    assert promote(app).error == []
    assert ModelRegistry(home / REGISTRY).journal(MODEL)[-1].who == getpass.getuser()


def promote(app: AppTest) -> AppTest:
    app.text_input(key="move_why").input("it was nearer")
    app.button(key="move_promote").click().run()
    app.button(key="move_yes").click().run()
    assert not app.exception
    return app


def test_an_owner_promotes_under_the_name_of_the_login(access_home: Path, open_models: Open, tmp_path: Path):
    home = Path(shutil.copytree(access_home, tmp_path / "home"))
    app = open_models(home, is_logged_in=True, email="Ann@Example.com", email_verified=True)
    assert [each.value for each in app.caption][:1] == ["Ann@Example.com, owner"]
    promote(app)
    [*_, move] = ModelRegistry(home / REGISTRY).journal(MODEL)
    assert (move.action, move.who) == ("promote", "Ann@Example.com")


@pytest.mark.parametrize("who", ["tom@example.com", "vic@example.com"])
def test_others_see_the_champion_and_cannot_move_it(access_home: Path, open_models: Open, who: str):
    app = open_models(access_home, is_logged_in=True, email=who)
    assert len(app.dataframe) >= 1
    assert app.button(key="move_promote").disabled
    assert app.button(key="move_back").disabled
    assert any(f"{who} is a" in each.value for each in app.caption)


def test_a_trader_notes_under_their_name_and_a_viewer_cannot(open_models: Open, tmp_path: Path):
    home = make_home(tmp_path, many_forecasts()[:2], built=False)
    app = open_models(home, journal_page, "p0", is_logged_in=True, email="vic@example.com")
    assert "vic@example.com is a viewer here: only a trader or an owner may note what was done." in [
        each.value for each in app.caption
    ]
    assert not any("Note it" in each.label for each in app.button)
    app = open_models(home, journal_page, "p0", is_logged_in=True, email="tom@example.com")
    app.button_group(key="did_p0").set_value("ignored")
    app.button(key="FormSubmitter:note_p0-Note it").click().run()
    store = Store(home / "ml_data")
    with store.journal() as cursor:
        noted = cursor.execute("SELECT action, by_whom FROM journal.ml_actions").fetchall()
    store.close()
    assert noted == [("ignored", "tom@example.com")]


def test_a_role_that_was_taken_away_does_not_move_what_was_asked_before(
    access_home: Path, open_models: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = Path(shutil.copytree(access_home, tmp_path / "home"))
    before = len(ModelRegistry(home / REGISTRY).journal(MODEL))
    app = open_models(home, is_logged_in=True, email="ann@example.com")
    app.text_input(key="move_why").input("it was nearer")
    app.button(key="move_promote").click().run()
    monkeypatch.setenv("HUB_ACCESS__OWNERS", '["else@example.com"]')
    monkeypatch.setenv("HUB_ACCESS__VIEWERS", '["ann@example.com"]')
    app.button(key="move_yes").click().run()
    assert any("ann@example.com is a viewer here: only an owner may" in each.value for each in app.error)
    assert len(ModelRegistry(home / REGISTRY).journal(MODEL)) == before


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"email": "eve@example.com"}, "eve@example.com is not known to this hub"),
        ({"email": "ann@example.com", "email_verified": False}, "ann@example.com is not verified"),
        ({"email": None}, "it has no 'email'"),
        ({"name": "ann@example.com"}, "it has no 'email'"),
    ],
)
def test_whom_the_settings_do_not_know_sees_no_page(
    access_home: Path, open_models: Open, user: dict[str, object], said: str
):
    app = open_models(access_home, is_logged_in=True, **user)
    assert said in closed(app)
    assert [each.key for each in app.button] == ["log_out"]


def test_who_is_not_logged_in_sees_the_login_alone(access_home: Path, open_models: Open):
    app = open_models(access_home)
    assert [each.label for each in app.button] == ["Log in"]
    assert not app.dataframe
    assert not app.error


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.0.4", None])  # noqa: S104 - what is refused
def test_a_page_that_is_served_to_a_network_without_a_login_refuses(
    access_home: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
):
    monkeypatch.setenv("HUB_HOME", str(access_home))
    told = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else told(name))
    said = closed(the_app().run())
    assert f"it listens at {address or 'every address'}" in said
    assert "SSH tunnel" in said


def test_a_page_that_was_asked_for_through_a_proxy_without_a_login_refuses(
    access_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HUB_HOME", str(access_home))
    app = the_app()
    monkeypatch.setattr("app_pages.access.came_from_elsewhere", lambda _headers: "Host: hub.example.com")
    assert "it was asked for as Host: hub.example.com" in closed(app.run())


@pytest.mark.parametrize("option", ["server.enableXsrfProtection", "server.enableCORS", "server.trustedUserHeaders"])
def test_a_page_whose_protections_are_off_refuses(access_home: Path, monkeypatch: pytest.MonkeyPatch, option: str):
    monkeypatch.setenv("HUB_HOME", str(access_home))
    told = st.get_option
    flipped = {"X-Email": "email"} if option == "server.trustedUserHeaders" else False
    monkeypatch.setattr(st, "get_option", lambda name: flipped if name == option else told(name))
    assert option in closed(the_app().run())


def test_a_login_that_is_not_ready_says_what_it_lacks():
    access = AccessSettings(owners=("ann@example.com",))
    gaps = {
        "no [auth]": login_gap({}, access, installed=True),
        "lacks redirect_uri": login_gap(AUTH | {"redirect_uri": ""}, access, installed=True),
        "does not end with /oauth2callback": login_gap(AUTH | {"redirect_uri": "https://x"}, access, installed=True),
        "less than 32 characters": login_gap(AUTH | {"cookie_secret": "short"}, access, installed=True),
        "lacks client_secret": login_gap(AUTH | {"client_secret": ""}, access, installed=True),
        "names no owner": login_gap(AUTH, AccessSettings(), installed=True),
        "trading-hub[login]": login_gap(AUTH, access, installed=False),
    }
    for said, gap in gaps.items():
        assert gap is not None, said
        assert said in gap
    assert login_gap(AUTH, access, installed=True) is None
    shared = {key: AUTH[key] for key in ("redirect_uri", "cookie_secret")}
    named = shared | {"google": {"client_id": "hub", "server_metadata_url": "https://x"}}
    assert login_gap(named, access, installed=True) == "[auth.google] lacks client_secret"


def test_started_by_hand_from_another_folder_it_listens_to_this_machine_and_tells_nobody(tmp_path: Path):
    code = (
        "import json, sys; from streamlit import config; config._main_script_path = sys.argv[1]; "
        "config.get_config_options(force_reparse=True); "
        "print(json.dumps({name: config.get_option(name) for name in sys.argv[2:]}))"
    )
    names = ["server.address", *SAFE_OPTIONS]
    ran = subprocess.run(
        [sys.executable, "-c", code, str(CHECKOUT / "app_trading_hub.py"), *names],
        cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(ran.stdout)
    assert told.pop("server.address") == "127.0.0.1"
    assert {name: bool(value) for name, value in told.items()} == SAFE_OPTIONS
