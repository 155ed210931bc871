"""`hub action`: notes what the trader did about a forecast, takes the note back, or shows the notes so far."""

from typing import Annotated

import typer

from ml_data.actions import DEEDS, WITHDRAWN, Note, note_action
from ml_data.journal_log import log_row, notes_of
from ml_scripts.console import JsonFlag, now, opened, run, say, who
from trading.errors import HubError, NothingStored


def command(
    prediction_id: Annotated[str, typer.Argument(help="The id of a logged prediction, as the Journal page shows it.")],
    did: Annotated[str | None, typer.Option(help="followed, ignored or opposite; without it the notes so far.")] = None,
    why: Annotated[str, typer.Option(help="The reason; kept with the note.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the newest note back; it stays in the history.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Note what you did about a forecast; a note made after the outcome is kept apart from those made before."""
    if did is not None and (undo or did not in DEEDS):
        raise HubError(
            f"Say --did followed, ignored or opposite, or --undo; not {did!r}{' and --undo' if undo else ''}."
        )
    with opened() as hub:
        action = WITHDRAWN if undo else did
        written = action is not None and note_action(hub.store, prediction_id, action, why, at=now(), by=who())
        row = log_row(hub.store, prediction_id, None)
        if row is None:
            raise NothingStored(f"{prediction_id}: no such prediction is logged. The Journal page shows the ids.")
        notes = notes_of(row)
        about = f"{row['instrument']} {row['trading_day']} {row['orb']}, {row['model']}"
        news = "" if action is None else " Noted." if written else " That is what the newest note says already."
        found = {"prediction_id": prediction_id, "written": written, "result": row["result"], "notes": notes}
        say([f"{about}: {_count(notes)}.{news}", *map(_line, notes)], found, as_json=as_json)


def _count(notes: tuple[Note, ...]) -> str:
    return "nothing is noted" if not notes else f"{len(notes)} note{'s' if len(notes) > 1 else ''}"


def _line(note: Note) -> str:
    late = "" if note.in_time else "  (noted after the outcome)"
    why = f"  {note.why}" if note.why else ""
    return f"  {note.acted_at:%Y-%m-%d %H:%M}Z  {note.action}  by {note.by_whom}{late}{why}"


if __name__ == "__main__":
    run(command)
