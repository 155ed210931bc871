"""The channels that alerts go to, and how their last message went; their addresses are never shown whole. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from ml_data.alert_journal import Delivery
from ml_monitoring.alerts import UNKNOWN_AFTER
from trading.alert_settings import AlertSettings

ChannelState = Literal["good", "bad", "cannot tell"]
CHANNEL_SHAPES: Final[dict[ChannelState, str]] = {"good": "✓", "bad": "✕", "cannot tell": "…"}


@dataclass(frozen=True)
class Channel:
    """One channel: `address` is redacted, `sentence` says how its last message went and when."""

    name: str
    address: str
    kinds: tuple[str, ...]
    state: ChannelState
    sentence: str
    last_at: datetime | None


def redacted(url: str) -> str:
    """Return an address as it may be shown: its scheme alone.

    >>> redacted("tgram://123456:ABC/42"), redacted("hunter2")
    ('tgram://…', '(no address)')
    """
    scheme, found, _ = url.partition("://")
    return f"{scheme}://…" if found and re.fullmatch(r"[a-z][a-z0-9+]{1,15}", scheme) else "(no address)"


def channels_of(settings: AlertSettings, deliveries: Iterable[Delivery], now: datetime) -> tuple[Channel, ...]:
    """Return every channel of the settings, with what its deliveries say, oldest first."""
    last = {each.channel: each for each in deliveries}
    return tuple(
        Channel(
            name,
            redacted(channel.url.get_secret_value()),
            channel.kinds,
            *_state(last.get(name), now),
            last[name].logged_at if name in last else None,
        )
        for name, channel in settings.channels.items()
    )


def _state(last: Delivery | None, now: datetime) -> tuple[ChannelState, str]:
    if last is None:
        return "cannot tell", "nothing was sent to it lately: test it"
    if last.state == "sent":
        return "good", "took the last message"
    if last.state == "failed":
        return "bad", f"did not take the last message: {last.error}"
    if now - last.logged_at > UNKNOWN_AFTER:
        return "cannot tell", "whoever sent the last message was ended: nobody knows whether it arrived"
    return "cannot tell", "a message is on its way"
