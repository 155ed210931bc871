"""Settings: one `hub.toml`, overridden by the environment (`HUB_SECTION__KEY`), overridden by arguments."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from trading.alert_settings import AlertSettings
from trading.errors import BadSettings
from trading.secret_names import secret_keys
from trading.settings_section import Section as _Section

CHECKOUT = Path(__file__).resolve().parents[1]
SHIPPED_INSTRUMENTS: Final = CHECKOUT / "config" / "instruments"
PREFIX: Final = "HUB_"
FILE_VARIABLE: Final = "HUB_TOML"
"""Names the settings file, where it is not `hub.toml` in the folder that the hub is started from."""
SECRETS_VARIABLE: Final = "HUB_SECRETS"
"""Names the file of secrets, where it is not `secrets.toml` in the home folder."""


class MlSettings(_Section):
    """How the model is listened to. Its stage is not a setting: it is earned (`hub stage`)."""

    enabled: bool = True
    confidence_threshold: float = Field(0.55, ge=0.5, le=1)
    high_confidence: float = Field(0.65, ge=0.5, le=1)
    cache_seconds: float = Field(300, ge=0, le=86_400)
    stale_minutes: int = Field(3, ge=1, le=1_440)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.high_confidence < self.confidence_threshold:
            raise ValueError(
                f"high_confidence ({self.high_confidence}) is below confidence_threshold ({self.confidence_threshold})"
            )
        return self


class AccountSettings(_Section):
    """The trader's account: `size` and `risk_per_trade` in the instrument's currency."""

    size: float = Field(25_000, gt=0)
    risk_per_trade: float = Field(100, gt=0)
    max_day_loss_r: float = Field(3, gt=0)


class DisplaySettings(_Section):
    """How pages look. `time_zone` "range" is the zone of the instrument's trading day."""

    time_zone: str = "range"
    up_down_colours: Literal["blue-orange", "green-red"] = "blue-orange"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in ("range", "exchange", "utc", "browser"):
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError("expected range, exchange, utc, browser or a zone of the IANA list") from error
        return name


class IbSettings(_Section):
    """What to ask Interactive Brokers for; secrets and logins stay in TWS or the gateway."""

    client_id: int = Field(71, ge=1, le=9_999)
    security_type: Literal["FUT", "STK", "CASH", "CRYPTO", "CMDTY", "IND"] = "FUT"
    symbol: str | None = None  # theirs, where it is not the instrument's
    exchange: str = "COMEX"
    currency: str = "USD"
    what_to_show: Literal["TRADES", "MIDPOINT", "BID", "ASK", "AGGTRADES"] = "TRADES"
    contracts: int = Field(4, ge=1, le=12)  # how many of the nearest expiries


class FeedSettings(_Section):
    """How `hub shadow --feed` follows a feed. What a vendor asks as a key stands in the environment, never here.

    `time_zone`, `stamps` and `format` are of watched files and are named once: no step guesses them again.
    """

    time_zone: str | None = None
    stamps: Literal["start", "end"] | None = None
    format: str | None = None
    pattern: str = "*"
    closed_after_seconds: float = Field(2, ge=0, le=59)
    late_seconds: float = Field(30, ge=1, le=59)  # the first break can close 60 seconds after the range is complete
    hole_minutes: int = Field(5, ge=1, le=1_440)
    silent_minutes: int = Field(10, ge=1, le=1_440)
    ib: IbSettings = IbSettings()


JobTime = Annotated[str, Field(pattern=r"^(never|close\+[0-9]{1,3}|([01][0-9]|2[0-3]):[0-5][0-9])$")]


class ServiceSettings(_Section):
    """What `hub shadow` follows where no feed is named, and which work of every day it has done meanwhile.

    `follow` is `SYMBOL=FEED` each, such as `MGC=folder:/data/mgc`. Work is done for each instrument `never`, at a time
    such as `02:30` on its own clock, or minutes after its trading day's close, `close+15`.
    """

    follow: tuple[str, ...] = ()
    settle_at: JobTime = "close+10"
    monitor_at: JobTime = "close+15"
    retrain_at: JobTime = "close+20"


class GateSettings(_Section):
    """What a version must show in one stage before it may enter the next (`hub gates`).

    `alpha` is the chance that a model without skill ever passes a bet, `days` and `predictions` the least evidence.
    `accuracy_above` (a share) is asked only where it is set: where one side is commoner, it says little.
    """

    alpha: float = Field(0.05, gt=0, le=0.2)
    days: int = Field(90, ge=40, le=2_000)
    predictions: int = Field(200, ge=100, le=100_000)
    fresh_days: int = Field(7, ge=4, le=31)  # calendar days after which the newest evidence is stale
    accuracy_above: float | None = Field(None, ge=0.5, lt=1)


class AccessSettings(_Section):
    """Where the hub listens, and who may do what once it asks for a login: docs/security.md.

    People are named by what `claim` of their login says, as a rule the e-mail address; each has one role.
    """

    address: str = Field("127.0.0.1", min_length=1)
    claim: str = "email"
    owners: tuple[str, ...] = ()
    traders: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_role_each(self) -> Self:
        named = [name.casefold() for name in (*self.owners, *self.traders, *self.viewers)]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands under more than one role, or twice")
        return self


class RetrainSettings(_Section):
    """When a model is trained again, and when the new version may answer beside the champion (`hub retrain`).

    `alpha` is the chance that a candidate that is no better ever passes in a year: each of the `comparisons`
    that are allowed in 365 days has `alpha / comparisons` of it.
    """

    every_days: int = Field(90, ge=1, le=3_650)
    outcomes: int = Field(500, ge=50, le=1_000_000)  # new events with an outcome
    cooldown_days: int = Field(14, ge=0, le=365)  # alarms that soon after a comparison do not count
    budget: int = Field(2, ge=1, le=30)  # retrainings begun in 30 days
    comparisons: int = Field(8, ge=1, le=100)
    test_days: int = Field(60, ge=20, le=1_000)  # trading days of the comparison, seen by neither version
    alpha: float = Field(0.05, gt=0, le=0.2)

    @property
    def level(self) -> float:
        """The chance that one comparison passes a candidate that is no better."""
        return self.alpha / self.comparisons


class BreakerSettings(_Section):
    """When the circuit breaker trips, and what arms it again (docs/stages.md). Each line is passed, not reached.

    `stale_minutes` are of open market without a bar, `missing_most` of the last `missing_of` live forecasts may lack
    inputs, `max_drawdown_r` is in R of the advised trades of a stage, `calibration_level` the p-value of the test.
    """

    stale_minutes: int = Field(30, ge=5, le=1_440)
    fresh_minutes: int = Field(15, ge=1, le=1_440)
    missing_of: int = Field(10, ge=3, le=1_000)
    missing_most: int = Field(2, ge=0, le=999)
    whole_events: int = Field(10, ge=1, le=1_000)
    calibration_level: float = Field(0.005, gt=0, le=0.05)
    max_drawdown_r: float = Field(40, gt=0)

    @model_validator(mode="after")
    def _can_be_passed(self) -> Self:
        if self.missing_most >= self.missing_of:
            raise ValueError(f"missing_most ({self.missing_most}) of missing_of ({self.missing_of}) is never passed")
        return self


class HubSettings(BaseSettings):
    """All settings of the hub. `home` holds the stores and the registry; without it they lie in the checkout."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # an input may be a secret, and errors end in logs
    )

    home: Path = CHECKOUT
    instrument: str | None = None
    ml: MlSettings = MlSettings()
    account: AccountSettings = AccountSettings()
    display: DisplaySettings = DisplaySettings()
    feed: FeedSettings = FeedSettings()
    service: ServiceSettings = ServiceSettings()
    gates: GateSettings = GateSettings()
    access: AccessSettings = AccessSettings()
    retrain: RetrainSettings = RetrainSettings()
    alerts: AlertSettings = AlertSettings()
    breaker: BreakerSettings = BreakerSettings()

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def store_folder(self) -> Path:
        """Where `market.duckdb` and `journal.duckdb` lie."""
        return self.home / "ml_data"

    @property
    def registry_folder(self) -> Path:
        """Where model versions lie."""
        return self.home / "ml_models" / "registry"

    @property
    def parquet_folder(self) -> Path:
        """Where `hub export` writes."""
        return self.home / "ml_data" / "parquet"

    @property
    def own_instruments_folder(self) -> Path:
        """Where the user's own instruments are described, one TOML file each: in the home folder."""
        return self.home / "config" / "instruments"

    @property
    def instrument_folders(self) -> tuple[Path, ...]:
        """Where instruments are described: own files, which add to those that come with the hub and go before them."""
        return tuple(dict.fromkeys((self.own_instruments_folder, SHIPPED_INSTRUMENTS)))

    @property
    def universe_folders(self) -> tuple[Path, ...]:
        """Where universes are described, one TOML file each: own ones, then those that come with the hub."""
        return self._described("universes")

    @property
    def series_folders(self) -> tuple[Path, ...]:
        """Where sets of series are described, one TOML file each: own ones, then those that come with the hub."""
        return self._described("series")

    def _described(self, kind: str) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((self.home / "config" / kind, CHECKOUT / "config" / kind)))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order: arguments, environment, secrets file, file."""
        written = _toml_of(settings_file(), FILE_VARIABLE)
        if "channels" in written.get("alerts", {}):
            raise BadSettings(
                f"{settings_file().name}: alerts.channels: the addresses of channels hold passwords. Write them into "
                f"secrets.toml in the home folder, or into the environment: {PREFIX}ALERTS__CHANNELS__PHONE__URL."
            )
        _refuse_secrets(written)
        given = {**written, **env_settings(), **init_settings()}
        secret = _toml_of(secrets_file(Path(given.get("home", CHECKOUT))), SECRETS_VARIABLE)
        secret.pop("auth", None)  # the login's, which Streamlit reads
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, secret),
            InitSettingsSource(settings_cls, written),
        )


def settings_file() -> Path:
    """Return where the settings file is, or would be."""
    return Path(os.environ.get(FILE_VARIABLE) or "hub.toml").absolute()


def secrets_file(home: Path) -> Path:
    """Return where the secrets of a home folder are, or would be."""
    return Path(os.environ.get(SECRETS_VARIABLE) or home.expanduser() / "secrets.toml").absolute()


def read_settings(**arguments: Any) -> HubSettings:
    """Return the settings in force.

    Raises
    ------
    BadSettings
        naming the key, what was found and what is expected.
    """
    sections = {
        name for name, field in HubSettings.model_fields.items() if field.annotation in _Section.__subclasses__()
    }
    for name in sorted(os.environ):
        section, delimiter, _ = name.removeprefix(PREFIX).lower().partition("__")
        if name.startswith(PREFIX) and delimiter and section not in sections:
            raise BadSettings(
                f"Settings: {name}: there is no section {section!r}; known: {', '.join(sorted(sections))}."
            )
    try:
        return HubSettings(**arguments)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        wrong = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise BadSettings(
            f"Settings: {key}: {wrong.removeprefix('Value error, ')}{_found(first['loc'], first['input'])}. Look in "
            f"{settings_file().name}, and in the environment for {PREFIX}{key.replace('.', '__').upper()}."
        ) from error
    except SettingsError as error:
        raise BadSettings(f"Settings: the environment holds what cannot be read: {error}.") from error


def _found(key: tuple[int | str, ...], found: object) -> str:
    """Return what stood there, in words; nothing of a channel, whose address is a secret."""
    if key == ("alerts",) or key[:2] == ("alerts", "channels"):
        return " (what was found is a secret; look in the secrets file too)"
    text = repr(found)
    return f" (found {text if len(text) <= 80 else f'{text[:80]}...'})"


def _refuse_secrets(written: Mapping[str, Any]) -> None:
    """Raise when the settings file holds what looks like a secret: such a file is copied, shown and committed."""
    for key in secret_keys(written):
        raise BadSettings(
            f"{settings_file().name}: {key} looks like a secret. Secrets stand in the environment or in secrets.toml "
            "of the home folder, which nobody else may read: docs/security.md."
        )


def _toml_of(path: Path, variable: str) -> dict[str, Any]:
    """Return what a file says; nothing where it is not there, unless the environment's `variable` names it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if os.environ.get(variable):
            raise BadSettings(f"{path}: not there, but {variable} names it.") from None
        return {}
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadSettings(f"{path}: not a readable TOML file: {error}.") from error
