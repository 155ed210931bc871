"""What the trader did about a forecast: notes that are only ever added, the newest of which counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ml_data.store import Store, sql
from trading.errors import HubError, NothingStored

FOLLOWED: Final = "followed"
IGNORED: Final = "ignored"
OPPOSITE: Final = "opposite"
WITHDRAWN: Final = "withdrawn"
"""Takes the note before it back; both stay."""

DEEDS: Final = (FOLLOWED, IGNORED, OPPOSITE)


@dataclass(frozen=True)
class Note:
    """One row of `ml_actions`.

    `in_time` says that it was made before the outcome could be known: after the forecast's moment, before the outcome's
    `known_at`, and while the journal held no outcome. While none is known it holds until one is.
    """

    revision: int
    action: str
    why: str | None
    acted_at: datetime
    by_whom: str | None
    in_time: bool


def note_action(store: Store, prediction_id: str, action: str, why: str | None, *, at: datetime, by: str) -> bool:
    """Add a note, and return whether anything was written: what the newest note says already is not said twice.

    `at` is the real clock's instant, never that of a replay: a note cannot be dated back.

    Raises
    ------
    HubError
        when the action is none, the forecast is a refusal, there is nothing to take back, or `at` lies before the
        forecast, so that a clock is wrong. NothingStored: no such prediction.
    """
    if action not in (*DEEDS, WITHDRAWN):
        raise HubError(f"{action!r} is no action; expected one of {', '.join((*DEEDS, WITHDRAWN))}.")
    said = (why or "").strip() or None
    with store.journal_write() as cursor:
        asked = {"prediction_id": prediction_id}
        rows = cursor.execute(sql("prediction_to_note"), asked).fetchall()
        if not rows:
            raise NothingStored(f"{prediction_id}: no such prediction is logged. The Journal page shows the ids.")
        decided_at, refusal, newest = rows[0]
        if refusal is not None:
            raise HubError(f"{prediction_id}: refused ({refusal}), so there was no answer to follow.")
        if at < decided_at:
            raise HubError(
                f"{prediction_id}: decided at {decided_at:%Y-%m-%dT%H:%M:%SZ}, but the clock says "
                f"{at:%Y-%m-%dT%H:%M:%SZ}. Set the clock."
            )
        if action == WITHDRAWN and newest in (None, WITHDRAWN):
            raise HubError(f"{prediction_id}: nothing is noted that could be taken back.")
        note = {**asked, "action": action, "why": said, "acted_at": at, "by_whom": by}
        written = cursor.execute(sql("append_action"), note).fetchone()
    return bool(written and written[0])
