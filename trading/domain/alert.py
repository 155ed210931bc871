"""Alerts: what is worth telling a trader who is not looking, and when each kind may be told."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Final, Literal
from zoneinfo import ZoneInfo

Severity = Literal["note", "look", "bad"]
"""How much it matters: worth knowing, worth a look, something is wrong."""

SHAPES: Final[dict[str, str]] = {"note": "○ Note", "look": "◆ Look", "bad": "✕ Wrong"}
"""A shape and a word for each: never colour alone."""


@dataclass(frozen=True)
class AlertKind:
    """One kind of alert. `cool_minutes` is how long after one of the same subject no other is sent.

    `momentary` ones are of no use later: they are dropped in quiet hours, others wait for their end.
    """

    name: str
    title: str
    cool_minutes: int = 0
    momentary: bool = False


ALERT_KINDS: Final = {
    kind.name: kind
    for kind in (
        AlertKind("opening", "range opens soon", momentary=True),
        AlertKind("range", "range complete", momentary=True),
        AlertKind("break", "break", momentary=True),
        AlertKind("result", "trade over"),
        AlertKind("day_loss_limit", "loss limit of the day"),
        AlertKind("stale", "no bars", cool_minutes=30),
        AlertKind("loop", "loop not alive", cool_minutes=30),
        AlertKind("missed", "forecasts missed", cool_minutes=60),
        AlertKind("drift", "drift", cool_minutes=1440),
        AlertKind("quality", "loss of quality", cool_minutes=1440),
        AlertKind("breaker", "circuit breaker"),
        AlertKind("gate", "gate passed"),
        AlertKind("stage", "stage moved"),
        AlertKind("retrain", "retraining"),
    )
}
"""Every kind by its name, in the order in which the settings list them."""

URGENT: Final = ("breaker", "loop")
"""The kinds that pass in quiet hours, where the settings name no others."""


@dataclass(frozen=True)
class QuietHours:
    """`[starts, ends)` on the wall clock of `zone`; past midnight where `ends` is not after `starts`."""

    starts: time
    ends: time
    zone: str

    def hold(self, at: datetime) -> bool:
        """Return whether an aware instant lies in them.

        >>> from datetime import UTC
        >>> QuietHours(time(22), time(6, 30), "Australia/Brisbane").hold(datetime(2025, 6, 2, 13, 0, tzinfo=UTC))
        True
        """
        wall = at.astimezone(ZoneInfo(self.zone)).time()
        if self.starts < self.ends:
            return self.starts <= wall < self.ends
        return wall >= self.starts or wall < self.ends


def read_quiet_hours(text: str) -> QuietHours:
    """Return the quiet hours written as `22:00-06:30 Australia/Brisbane`, or raise `ValueError`."""
    hours, _, zone = text.strip().partition(" ")
    starts, _, ends = hours.partition("-")
    try:
        read = QuietHours(time.fromisoformat(starts), time.fromisoformat(ends), ZoneInfo(zone.strip()).key)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(
            "expected hours and a zone of the IANA list, such as 22:00-06:30 Australia/Brisbane"
        ) from error
    if read.starts == read.ends or read.starts.tzinfo is not None or read.ends.tzinfo is not None:
        raise ValueError("expected two different times of day, such as 22:00-06:30 Australia/Brisbane")
    return read


@dataclass(frozen=True)
class Fact:
    """Something that happened, as the stores hold it; `key` tells it from every other of its kind for ever.

    `subject` is what it is about: a range, a model. `happened_at` is when one could first have known it (UTC).
    """

    kind: str
    instrument: str
    subject: str
    key: str
    sentence: str
    severity: Severity
    happened_at: datetime


@dataclass(frozen=True)
class Alert:
    """A fact that was raised, the columns of `ml_alerts`; `withheld` is why it is shown in the hub and never sent."""

    alert_id: str
    kind: str
    instrument: str
    subject: str
    sentence: str
    severity: Severity
    happened_at: datetime
    raised_at: datetime
    withheld: str | None

    @property
    def title(self) -> str:
        """The headline: instrument, subject and kind."""
        return f"{self.instrument} {self.subject}: {ALERT_KINDS[self.kind].title}".strip()
