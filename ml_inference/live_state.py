"""What the process that follows feeds says of itself on disk: that it lives, and where the next goes on."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from ml_data.store import Store, sql
from trading.secret_values import hidden

if TYPE_CHECKING:
    from ml_inference.roster import Seat  # with it comes LightGBM, for which a page that reads the state does not wait

FollowState = Literal["following", "waiting", "resting"]


@dataclass(frozen=True)
class Told:
    """Something that happened, in a sentence, and when."""

    at: datetime
    sentence: str


@dataclass(frozen=True)
class Trouble:
    """Something amiss of one kind (docs/feeds.md), told `times` times; `sentence` is the newest of them.

    `over_at` says when it was over, where something tells that; None: it goes on, or was over as it was told.
    """

    instrument: str
    kind: str
    sentence: str
    first_at: datetime
    last_at: datetime
    times: int = 1
    over_at: datetime | None = None

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Return what stands in a state file, or raise `KeyError`, `TypeError` or `ValueError`."""
        return cls(
            instrument=str(plain["instrument"]),
            kind=str(plain["kind"]),
            sentence=str(plain["sentence"]),
            first_at=_instant(plain["first_at"]),
            last_at=_instant(plain["last_at"]),
            times=int(plain["times"]),
            over_at=_maybe(plain["over_at"]),
        )


@dataclass(frozen=True)
class Following:
    """One instrument along one feed; instants are UTC.

    `state`: following; waiting after a failure, to try again; resting, when no process follows it now. `dealt` is, by
    seat, the instant up to which events are dealt with.
    """

    feed: str
    state: FollowState
    stepped_at: datetime
    newest_bar: datetime | None = None
    next_event: datetime | None = None
    last_forecast: Told | None = None
    last_error: Told | None = None
    dealt: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Return what stands in a state file, or raise `KeyError`, `TypeError` or `ValueError`."""
        state = plain["state"]
        if state not in ("following", "waiting", "resting"):
            raise ValueError(state)
        return cls(
            feed=str(plain["feed"]),
            state=state,
            stepped_at=_instant(plain["stepped_at"]),
            newest_bar=_maybe(plain["newest_bar"]),
            next_event=_maybe(plain["next_event"]),
            last_forecast=_told(plain["last_forecast"]),
            last_error=_told(plain["last_error"]),
            dealt={str(key): _instant(at) for key, at in plain["dealt"].items()},
        )


@dataclass(frozen=True)
class JobState:
    """Work of every day, by when it was due last. `exit_code` is None of work that was not begun, or not ended.

    `dealt` is the instant up to which it is dealt with: it is done again when it was due since.
    """

    dealt: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Return what stands in a state file, or raise `KeyError`, `TypeError` or `ValueError`."""
        code = plain["exit_code"]
        return cls(
            dealt=_instant(plain["dealt"]),
            began_at=_maybe(plain["began_at"]),
            ended_at=_maybe(plain["ended_at"]),
            exit_code=None if code is None else int(code),
        )


@dataclass(frozen=True)
class LiveState:
    """The process, what it follows by instrument, and the work of every day, by instrument and verb.

    `troubles` are the newest of each kind, by instrument and kind, those of the processes before included. `ended_at`
    is None until it has left in good order. `memory_bytes` is what it holds, None where nobody can tell.
    """

    process: int
    started_at: datetime
    alive_at: datetime
    ended_at: datetime | None = None
    memory_bytes: int | None = None
    follows: Mapping[str, Following] = field(default_factory=dict)
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    troubles: Mapping[str, Trouble] = field(default_factory=dict)


def live_path(store: Store, suffix: str) -> Path:
    """Return where a file of the process lies: its state (`json`), its log, its lock, who holds that (`holder`)."""
    return store.home / f"live.{suffix}"


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a file of JSON in one step: a kill leaves the one before."""
    aside = path.with_name(f"{path.name}.new")
    text = json.dumps(document, indent=1, default=_plain)
    aside.write_text(f"{hidden(text)}\n", encoding="utf-8")  # feeds and failures are named in words of others
    os.replace(aside, path)


def write_state(path: Path, state: LiveState) -> None:
    """Replace the state in one step."""
    write_document(path, asdict(state))


def read_state(path: Path) -> LiveState | None:
    """Return the state of the last process; None where there was none, or its file cannot be understood."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return LiveState(
            process=int(plain["process"]),
            started_at=_instant(plain["started_at"]),
            alive_at=_instant(plain["alive_at"]),
            ended_at=_maybe(plain["ended_at"]),
            memory_bytes=None if plain["memory_bytes"] is None else int(plain["memory_bytes"]),
            follows={str(symbol): Following.read(each) for symbol, each in plain["follows"].items()},
            jobs={str(name): JobState.read(each) for name, each in plain.get("jobs", {}).items()},
            troubles={str(name): Trouble.read(each) for name, each in plain.get("troubles", {}).items()},
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def asked_from(store: Store, symbol: str, seat: "Seat", before: Following | None, now: datetime) -> datetime:
    """Return from when on events are asked of a seat: those that came while no process ran are missed, not forgotten.

    That is where the last process stopped with the seat, as `before` says, or earlier, where the journal's last row of
    the seat is: one that was put back from a backup does not hold all that was dealt with, and what it holds is not
    written twice. Not before its version was made, and `now` of a seat that is new.
    """
    asked = {"instrument": symbol, "model": seat.model, "role": seat.role}
    with store.journal() as cursor:
        [(logged,)] = cursor.execute(sql("last_live_event"), asked).fetchall()
    if before is None or not before.dealt:
        stopped = logged
    elif seat.key in before.dealt:
        stopped = min(before.dealt[seat.key], logged or before.dealt[seat.key])
    else:
        stopped = None
    return now if stopped is None else max(stopped, seat.made_at)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not go into a state file")


def _told(plain: Mapping[str, Any] | None) -> Told | None:
    return None if plain is None else Told(_instant(plain["at"]), str(plain["sentence"]))


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)
