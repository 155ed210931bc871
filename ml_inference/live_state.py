"""How far a loop that follows a feed has come, on disk: where the next one goes on, and how one sees that it lives."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ml_data.store import Store, sql
from ml_models.model_version import STAMP, VersionId


@dataclass(frozen=True)
class LiveState:
    """One loop. `watched` is the instant up to which its model's events are dealt with; instants are UTC."""

    model: str
    feed: str
    process: int
    started_at: datetime
    stepped_at: datetime
    watched: datetime
    newest_bar: datetime | None


def live_path(store: Store, model: str, suffix: str) -> Path:
    """Return where a file of the loop for a model lies: its state (`json`), its log, its lock."""
    return store.home / f"live-{model}.{suffix}"


def write_state(path: Path, state: LiveState) -> None:
    """Replace the state in one step: a kill leaves the one before."""
    aside = path.with_suffix(".json.new")
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(state).items()}
    aside.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)


def read_state(path: Path) -> LiveState | None:
    """Return the state of the last loop; None where there was none, or its file cannot be understood."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return LiveState(
            model=str(plain["model"]),
            feed=str(plain["feed"]),
            process=int(plain["process"]),
            started_at=_instant(plain["started_at"]),
            stepped_at=_instant(plain["stepped_at"]),
            watched=_instant(plain["watched"]),
            newest_bar=None if plain["newest_bar"] is None else _instant(plain["newest_bar"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def watched_so_far(store: Store, symbol: str, model: str, version: str, now: datetime) -> datetime:
    """Return from when on events are this loop's: those that came while no loop ran are missed, not forgotten.

    That is where the last loop of the model stopped (by its state, or by the journal), but not before the `version`
    was made; `now`, where none ever ran.
    """
    with store.journal() as cursor:
        [(logged,)] = cursor.execute(sql("last_live_event"), {"instrument": symbol, "model": model}).fetchall()
    state = read_state(live_path(store, model, "json"))
    seen = [at for at in (logged, state.watched if state is not None and state.model == model else None) if at]
    if not seen:
        return now
    made = datetime.strptime(VersionId(version)[2:17], STAMP).replace(tzinfo=UTC)
    return max(*seen, made)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)
