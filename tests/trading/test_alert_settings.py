"""Channels of alerts: addresses are secrets, which come from the environment or the secrets file and are never told."""

import traceback
from pathlib import Path

import pytest

from trading.errors import BadSettings
from trading.settings import read_settings

SECRET = "tgram://123456:hunter2/42"  # noqa: S105 - made up


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_channels_come_from_the_secrets_file_and_the_environment_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "secrets.toml").write_text(f'[alerts.channels.phone]\nurl = "{SECRET}"\nkinds = ["break"]\n')
    monkeypatch.setenv("HUB_ALERTS__CHANNELS__MAIL__URL", "mailto://ann:hunter2@example.com")
    settings = read_settings()
    channels = settings.alerts.channels
    assert {name: (each.url.get_secret_value(), each.kinds) for name, each in channels.items()} == {
        "phone": (SECRET, ("break",)),
        "mail": ("mailto://ann:hunter2@example.com", ()),
    }
    assert "hunter2" not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_the_secrets_file_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "else.toml").write_text(f'[alerts.channels.phone]\nurl = "{SECRET}"\n')
    monkeypatch.setenv("HUB_SECRETS", str(tmp_path / "else.toml"))
    assert list(read_settings().alerts.channels) == ["phone"]
    monkeypatch.setenv("HUB_SECRETS", str(tmp_path / "nowhere.toml"))
    with pytest.raises(BadSettings, match="not there, but HUB_SECRETS names it"):
        read_settings()


def test_an_address_in_the_open_settings_file_is_refused_without_being_told(tmp_path: Path):
    (tmp_path / "hub.toml").write_text(f'[alerts.channels.phone]\nurl = "{SECRET}"\n')
    with pytest.raises(
        BadSettings, match=r"hub.toml: alerts.channels: the addresses of channels hold passwords"
    ) as told:
        read_settings()
    assert "hunter2" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HUB_ALERTS__CHANNELS__PHONE__ULR", SECRET, "alerts.channels.phone"),
        ("HUB_ALERTS__CHANNELS__PHONE", SECRET, "alerts.channels.phone"),
        ("HUB_ALERTS__CHANNELS__PHONE__KINDS", f'["{SECRET}"]', "is no kind of alert"),
        ("HUB_ALERTS__CHANNELS", SECRET, "the environment holds what cannot be read"),
        ("HUB_ALERTS", SECRET, "the environment holds what cannot be read"),
        ("HUB_ALERTS", f'"{SECRET}"', "alerts: "),
    ],
)
def test_what_is_wrong_with_a_channel_is_said_without_what_was_found(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
):
    if name.endswith("KINDS"):
        monkeypatch.setenv("HUB_ALERTS__CHANNELS__PHONE__URL", SECRET)
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=words) as told:
        read_settings()
    assert "hunter2" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("QUIET", "22-6", "expected hours and a zone"),
        ("RULE", "half-rr9-day", "'half-rr9-day' is not a trade rule"),
        ("URGENT", '["fire"]', "'fire' is no kind of alert; there are opening, range"),
        ("COOL_DOWN", '{"fire": 3}', "'fire' is no kind of alert"),
        ("LATE_MINUTES", "0", "greater than or equal to 1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"HUB_ALERTS__{name}", value)
    with pytest.raises(BadSettings, match=words):
        read_settings()
