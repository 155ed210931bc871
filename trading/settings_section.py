"""What every section of the settings is: frozen, and without keys that nobody knows."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One section of `hub.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
