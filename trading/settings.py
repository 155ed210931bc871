"""Settings: one `hub.toml`, overridden by the environment (`HUB_SECTION__KEY`), overridden by arguments."""

from pathlib import Path
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from trading.errors import BadSettings

CHECKOUT = Path(__file__).resolve().parents[1]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MlSettings(_Section):
    """How the model is listened to. Its stage is not a setting: it is earned (`hub stage`)."""

    enabled: bool = True
    confidence_threshold: float = Field(0.55, ge=0.5, le=1)
    high_confidence: float = Field(0.65, ge=0.5, le=1)
    cache_seconds: float = Field(300, ge=0)
    stale_minutes: int = Field(3, ge=1)


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
            except (KeyError, ValueError) as error:
                raise ValueError("expected range, exchange, utc, browser or a zone of the IANA list") from error
        return name


class HubSettings(BaseSettings):
    """All settings of the hub. `home` holds the stores and the registry; without it they lie in the checkout."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="HUB_", env_nested_delimiter="__")
    toml_path: ClassVar[Path] = Path("hub.toml")

    home: Path = CHECKOUT
    instrument: str | None = None
    ml: MlSettings = MlSettings()
    account: AccountSettings = AccountSettings()
    display: DisplaySettings = DisplaySettings()

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
    def instruments_folder(self) -> Path:
        """Where instruments are described, one TOML file each: with the code, or in the home folder's own `config`."""
        own = self.home / "config" / "instruments"
        return own if own.is_dir() else CHECKOUT / "config" / "instruments"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, cls.toml_path)


def read_settings(**arguments: Any) -> HubSettings:
    """Return the settings in force.

    Raises
    ------
    BadSettings
        naming the key, what was found and what is expected.
    """
    try:
        return HubSettings(**arguments)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSettings(
            f"Settings: {key}: {first['msg']} (found {first['input']!r}). Look in {HubSettings.toml_path}, and in the "
            f"environment for HUB_{key.replace('.', '__').upper()}."
        ) from error
    except ValueError as error:
        raise BadSettings(f"{HubSettings.toml_path}: not a readable TOML file: {error}.") from error
