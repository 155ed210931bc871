"""What retrainings came to, and when the next is due, as values: frames and sentences. Pure."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from app_pages.health_view import SHAPES, plain
from app_pages.health_window import day_name
from app_pages.typed import as_typed
from ml_data.retrainings import Retraining, RetrainingResult
from ml_models.verdicts import State
from ml_training.due import Due

UNITS: Final = {"log_loss": "nats", "squared_error": "squared error"}


def history_frame(history: Sequence[Retraining]) -> pd.DataFrame:
    """Return the retrainings of a model, newest first; gains are the candidate's over the champion an event."""
    return pd.DataFrame([_line(each) for each in reversed(history)])


def _line(each: Retraining) -> dict[str, object]:
    result = each.result
    line: dict[str, object] = {
        "Began (UTC)": f"{each.started_at:%Y-%m-%d %H:%M}",
        "Because": plain(each.because),
        "Champion": each.champion,
    }
    if result is None:
        return {**line, "Verdict": f"{SHAPES['cannot tell']} runs, or was cut off"}
    line |= {"Verdict": f"{SHAPES[state_of(result)]} {result.verdict}", "Candidate": result.candidate or "–"}
    if result.gain is None or result.first_day is None or result.last_day is None:
        return line
    return {
        **line,
        "Gain an event": plain(f"{result.gain:+.4f} {UNITS.get(str(result.score), '')}"),
        "95 % interval": "–" if result.low is None else plain(f"{result.low:+.4f} to {result.high:+.4f}"),
        "n": result.n,
        "Days": result.days,
        "Compared on": f"{day_name(result.first_day)} to {day_name(result.last_day)}",
    }


def state_of(result: RetrainingResult) -> State:
    """Return how a verdict is marked: a candidate that is not shown to be better is not a bad one."""
    if result.verdict == "challenger":
        return "good"
    worse = result.high is not None and result.high < 0
    return "bad" if worse or result.verdict == "failed" else "cannot tell"


def last_sentence(history: Sequence[Retraining]) -> str:
    """Return what the newest retraining that ended came to, in words; Markdown."""
    ended = [each.result for each in history if each.result is not None]
    if not ended:
        return "… None has ended yet."
    last = ended[-1]
    who = f"The last, {last.candidate}, is {_standing(last)}" if last.candidate else f"The last {_standing(last)}"
    return plain(f"{SHAPES[state_of(last)]} {who}: {as_typed(last.why)}")


def _standing(result: RetrainingResult) -> str:
    words = {"challenger": "a challenger", "rejected": "kept as rejected", "failed": "failed", "cut off": "was cut off"}
    if result.candidate and result.verdict in ("failed", "cut off"):
        return "kept as rejected"
    return words[result.verdict]


def next_sentence(found: Due) -> str:
    """Return when the champion is to be trained again, in words; Markdown.

    >>> from datetime import date
    >>> next_sentence(Due("due", "schedule", "90 days since the champion was made", date(2025, 1, 3), date(2025, 4, 6)))
    'Next retraining due: now (90 days since the champion was made); `hub retrain --if-due` begins it.'
    """
    if found.state == "due":
        return plain(f"Next retraining due: now ({found.because}); `hub retrain --if-due` begins it.")
    if found.state == "waiting":
        return plain(f"Next retraining due, but waiting: {found.because}.")
    return plain(
        f"Next retraining due: {day_name(found.on)}, or earlier by outcomes or an alarm ({found.because} so far)."
    )
