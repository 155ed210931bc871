"""No secret leaves the process: not in what verbs print, not in logs, not in a file of the home folder."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ml_scripts.hub_runs import run_hub
from trading.errors import BadSettings
from trading.secret_values import HIDDEN, Hiding, known_secrets, redacted
from trading.settings import read_settings

KEY = "db-A1b2C3d4E5f6G7h8"
BOT = "123456789:AAF-botTokenOfSomebody_xyz"
CHANNEL = f"tgram://{BOT}/99887766"
WORD = "correct horse"
ENVIRONMENT = {"DATABENTO_API_KEY": KEY, "MY_CHANNEL_TOKEN": CHANNEL, "MAIL_PASSWORD": WORD}


def test_secrets_are_found_by_their_names_and_in_every_form_they_may_take():
    secrets = known_secrets(
        ENVIRONMENT | {"HOME": "/home/ann", "PWD": "/home/ann", "SHORT_KEY": "abc"},
        [{"auth": {"cookie_secret": "signs-the-cookie", "redirect_uri": "https://hub.example.com/oauth2callback"}}],
    )
    said = f"{KEY}, {CHANNEL}, {BOT}, correct%20horse, signs-the-cookie, https://hub.example.com/oauth2callback"
    assert redacted(said, secrets) == "***, ***, ***, ***, ***, https://hub.example.com/oauth2callback"
    assert redacted("/home/ann/abc", secrets) == "/home/ann/abc"


@pytest.fixture
def hiding(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABENTO_API_KEY", KEY)
    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    found = Hiding()
    found.learn()
    found.take_over()
    yield found
    logging.setLogRecordFactory(factory)


def test_every_logger_and_handler_hides_arguments_messages_and_traces(hiding: Hiding):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    for logger in (logging.getLogger("some.library"), logging.Logger("of-its-own")):
        logger.addHandler(handler)
        logger.warning("connecting to %s with %r", "https://ann:hunter22@db.example", {"key": KEY})
        try:
            raise ValueError(f"the gateway refused {KEY}")
        except ValueError:
            logger.exception("no %s", KEY)
        logger.removeHandler(handler)
    text = stream.getvalue()
    assert text.count(HIDDEN) == 8
    assert "ValueError: the gateway refused ***" in text
    assert KEY not in text
    assert "hunter22" not in text


def test_a_record_whose_arguments_do_not_fit_is_still_the_handlers_to_tell(hiding: Hiding):
    record = logging.Logger("x").makeRecord("x", logging.INFO, "f", 1, "%s and %s", ("one",), None)
    with pytest.raises(TypeError):
        record.getMessage()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (f'[feed]\napi_key = "{KEY}"', "feed.api_key"),
        (f'[alerts]\nbot_token = "{KEY}"', "alerts.bot_token"),
        (f'home = "ftp://ann:{KEY}@files.example/"', "home"),
    ],
)
def test_a_settings_file_that_holds_a_secret_is_refused_without_showing_it(
    line: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "hub.toml").write_text(line, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_TOML", raising=False)
    with pytest.raises(BadSettings, match=f"hub.toml: {key} looks like a secret") as refused:
        read_settings()
    assert KEY not in str(refused.value)


FAILING = (
    ("shadow", "--feed", f"ccxt:binance:{KEY}", "--instrument", "DEMO", "--once"),
    ("shadow", "--feed", f"folder:/nowhere/{KEY}", "--instrument", "DEMO", "--once"),
    ("ingest", f"/nowhere/{KEY}.csv", "--instrument", "DEMO"),
    ("train", KEY, "--instrument", "DEMO"),
    ("predict", "--instrument", "DEMO", "--recipe", KEY),
    ("stage", f"{KEY}", "--to", "advisory", "--by", "ann", "--why", WORD),
    ("models", "promote", "directional-DEMO", KEY, "--why", WORD),
    ("app", "--address", KEY),
    ("doctor",),
)


@pytest.mark.parametrize("arguments", FAILING, ids=" ".join)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["words", "json"])
def test_no_verb_shows_or_stores_a_secret(
    arguments: tuple[str, ...], more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "home"
    home.mkdir()
    (home / "secrets.toml").write_text('[auth]\ncookie_secret = "signs-the-cookie"\n', encoding="utf-8")
    ran = run_hub(*arguments, *more, home=home)
    for secret in (KEY, BOT, WORD, "signs-the-cookie"):
        assert secret not in ran.out + ran.err
        held = [path.name for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        assert held in ([], ["secrets.toml"])
    if arguments == ("doctor",):
        assert "DATABENTO_API_KEY" in ran.said
    else:
        assert ran.code == 2
        assert HIDDEN in ran.said or arguments[0] not in ("ingest", "train", "app")  # these name what they were given


def test_a_trace_that_nobody_caught_hides_too():
    code = "from trading.secret_values import hidden; hidden.learn(); hidden.take_over(); raise ValueError({0!r})"
    ran = subprocess.run(
        [sys.executable, "-c", code.format(f"refused {KEY}")],
        env={**os.environ, "DATABENTO_API_KEY": KEY}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "ValueError: refused ***" in ran.stderr
    assert KEY not in ran.stderr
