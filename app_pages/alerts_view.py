"""The alerts as a page shows them: the newest first, each with a shape and a word, and how it was told. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from app_pages.theme import Mode
from ml_data.alert_journal import Delivery
from ml_monitoring.alert_channels import CHANNEL_SHAPES, Channel
from trading.domain.alert import SHAPES, Alert
from trading.domain.words import wall_time

_TONES = {"note": "muted", "look": "warn", "bad": "bad"}
_CHANNEL_TONES = {"good": "good", "bad": "bad", "cannot tell": "muted"}


@dataclass(frozen=True)
class Told:
    """The newest alerts, newest first, and every step of their messages."""

    alerts: tuple[Alert, ...]
    deliveries: tuple[Delivery, ...]


def unread(alerts: Iterable[Alert], seen: datetime) -> int:
    """Return how many were raised since the reader last looked."""
    return sum(each.raised_at > seen for each in alerts)


def alerts_html(told: Told, zone: str, seen: datetime, mode: Mode) -> str:
    """Return a line an alert; those raised since `seen` are marked as new. Times are on the wall clock of `zone`."""
    ways: dict[str, list[str]] = {}
    for delivery in told.deliveries:
        if delivery.state == "sent":
            ways.setdefault(delivery.alert_id, []).append(delivery.channel)
    return _list("".join(_line(each, ways, zone, seen) for each in told.alerts), mode)


def _list(lines: str, mode: Mode) -> str:
    """Return the lines with the colours of the mode: a popover lies outside the page, which tells the others."""
    return f'<div class="hub-alerts" style="color-scheme:{mode}">{lines}</div>'


def _line(alert: Alert, ways: dict[str, list[str]], zone: str, seen: datetime) -> str:
    shape, _, word = SHAPES[alert.severity].partition(" ")
    how = f"not sent: {alert.withheld}" if alert.withheld else ", ".join(ways.get(alert.alert_id, ()))
    new = '<span class="new">new</span>' if alert.raised_at > seen else ""
    return (
        f'<div><i class="tone-{_TONES[alert.severity]}">{shape}</i><span>{new}<b>{escape(alert.title)}</b></span>'
        f'<span class="value">{_when(alert.happened_at, zone)}</span><span class="sub">{word}. {escape(alert.sentence)}'
        f"{f' · {escape(how)}' if how else ''}</span></div>"
    )


def _when(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b} {wall_time(at, zone)}"


def channel_html(channel: Channel, mode: Mode) -> str:
    """Return the line of a channel: its name, its redacted address, and how its last message went."""
    shape, tone = CHANNEL_SHAPES[channel.state], _CHANNEL_TONES[channel.state]
    kinds = ", ".join(channel.kinds) or "every kind"
    line = (
        f'<div><i class="tone-{tone}">{shape}</i><span><b>{escape(channel.name)}</b> {escape(channel.address)}</span>'
        f'<span class="value"></span><span class="sub">{escape(channel.sentence)} · {escape(kinds)}</span></div>'
    )
    return _list(line, mode)


def badge_html(new: int, channels: Sequence[Channel]) -> str:
    """Return what stands beside the bell: how many alerts are new, and which channel does not work.

    >>> badge_html(2, ())
    '<div class="hub-badge"><span class="new">2 new</span></div>'
    """
    failing = ", ".join(each.name for each in channels if each.state == "bad")
    parts = [f'<span class="new">{new} new</span>'] if new else []
    parts += [f'<span class="tone-bad">✕ {escape(failing)}</span>'] if failing else []
    return f'<div class="hub-badge">{"".join(parts)}</div>'
