"""The settings of alerts: what is told, when, and where to. Addresses of channels are secrets."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from trading.domain.alert import ALERT_KINDS, URGENT, QuietHours, read_quiet_hours
from trading.domain.trade_rule import REFERENCE_RULE, rule_named
from trading.errors import BadSettings
from trading.settings_section import Section


def _known_kinds(kinds: Any) -> Any:
    unknown = [kind for kind in kinds if kind not in ALERT_KINDS] if isinstance(kinds, (list, tuple, dict)) else []
    if unknown:
        shown = repr(unknown[0]) if str(unknown[0]).isidentifier() else "what is named"  # it may be an address
        raise ValueError(f"{shown} is no kind of alert; there are {', '.join(ALERT_KINDS)}")
    return kinds


def _quiet_hours(written: Any) -> Any:
    return read_quiet_hours(written) if isinstance(written, str) else written


Minutes = Annotated[int, Field(ge=0, le=10_080)]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,19}$")]
Kinds = Annotated[tuple[str, ...], BeforeValidator(_known_kinds)]


class ChannelSettings(Section):
    """Where alerts go. `url` is one of apprise and a secret: from the environment or the secrets file, never shown.

    `kinds` are those that it wants; none named: all.
    """

    url: SecretStr
    kinds: Kinds = ()


class AlertSettings(Section):
    """What is told to a trader who is not looking, when, and where to (docs/alerts.md).

    `ranges` are the opening ranges that are told of (none named: all), `rule` the trade rule whose breaks and results
    are. What happened longer ago than `late_minutes` is told in one summary, and more than `together` at once in one
    message. A loop that has not stepped for `dead_minutes` is not alive.
    """

    quiet: Annotated[QuietHours | None, BeforeValidator(_quiet_hours)] = None
    urgent: Kinds = URGENT
    ranges: tuple[str, ...] = ()
    rule: str = REFERENCE_RULE.name
    opening_minutes: int = Field(5, ge=1, le=60)
    late_minutes: int = Field(10, ge=1, le=240)
    together: int = Field(3, ge=1, le=100)
    dead_minutes: int = Field(5, ge=1, le=1_440)
    cool_down: Annotated[dict[str, Minutes], BeforeValidator(_known_kinds)] = Field(default_factory=dict)
    channels: dict[ChannelName, ChannelSettings] = Field(default_factory=dict)

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, name: str) -> str:
        try:
            return rule_named(name).name
        except BadSettings as error:
            raise ValueError(str(error)) from error

    def cool_minutes(self, kind: str) -> int:
        """Return how long after an alert of `kind` no other of the same subject is sent."""
        return self.cool_down.get(kind, ALERT_KINDS[kind].cool_minutes)
