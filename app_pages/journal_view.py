"""The journal in words: rows of the log as a table, whatever was asked. Pure: rows and a wall clock in, frames out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from app_pages.clock import WallClock
from app_pages.label_words import ADVICES, model_title, words_of
from ml_models.quantiles import point_output
from trading.domain.label import BREAK_DIRECTION, Label, label_named
from trading.domain.words import range_label

RESULTS: Final = {
    "right": "✓ right",
    "wrong": "✕ wrong",
    "settled": "● settled",
    "pending": "… pending",
    "void": "∅ void",
    "refused": "– refused",
    "missed": "– missed",
}
NOT_YET: Final = "…"
WallClocks = Callable[[datetime], WallClock]
"""The wall clock with the offset that it has at an instant."""


def log_frame(rows: pa.Table, symbol: str, wall: WallClocks) -> pd.DataFrame:
    """Return rows of `ml_data.journal_log.log_rows` as a table, in their order; `Made` is on the wall clock."""
    told = rows.to_pylist()
    return pd.DataFrame(
        {
            "Made": pd.Series([wall(row["decided_at"]).at(row["decided_at"]) for row in told], dtype="datetime64[us]"),
            "Model": [model_title(row["model"], symbol) for row in told],
            "Range": [range_label(row["orb"] or "") for row in told],
            "Said": [said(row) for row in told],
            "Without learning": [baseline_said(row) for row in told],
            "Advice": [advised(row["advice"]) for row in told],
            "Came": [came(row) for row in told],
            "Result": [RESULTS[row["result"]] for row in told],
            "Net R": pd.Series([row["r_net"] for row in told], dtype="float64"),
            "with advice": pd.Series([row["r_net_advised"] for row in told], dtype="float64"),
            "I did": [deed(row) for row in told],
            "Why": [why(row) for row in told],
            "Stage": [row["stage"] or "" for row in told],
            "Role": [row["role"] or "" for row in told],
            "How": ["replayed" if row["replayed"] else "live" for row in told],
            "Version": [row["version"] for row in told],
        }
    )


def said(row: dict[str, Any]) -> str:
    """Return what a row says: the chance of the question's subject, or the first target's point and interval."""
    asked = label_named(row["label"])
    if row["refusal_code"] is not None:
        return "–"
    if not asked.targets:
        return f"{words_of(asked).chance} {100 * row[asked.columns[0]]:.0f} %"
    within = "" if row["interval_low"] is None else f" ({row['interval_low']:+.2f} to {row['interval_high']:+.2f})"
    return f"{point(row, asked):+.2f} {asked.unit}{within}"


def point(row: dict[str, Any], asked: Label) -> float:
    """Return what a row of numbers says of its first target."""
    numbers = dict(zip(row["outputs"], row["quantiles"], strict=True))
    return float(numbers[point_output(asked.targets[0], tuple(numbers))])


def baseline_said(row: dict[str, Any]) -> str:
    """Return what was said without any learning, and what that is called."""
    asked = label_named(row["label"])
    walk = row["baseline_prob_up"] if asked == BREAK_DIRECTION else next(iter(row["baselines"] or ()), None)
    if walk is None:
        return "–"
    return f"{asked.walk} {walk:+.2f}" if asked.targets else f"{asked.walk} {100 * walk:.0f} %"


def advised(advice: str | None) -> str:
    """Return an advice with its shape; – where there is none."""
    return "–" if advice is None else ADVICES.get(advice, advice)


def came(row: dict[str, Any]) -> str:
    """Return what happened, in the question's own terms."""
    if row["actual_values"]:
        return f"{row['actual_values'][0]:+.2f} {label_named(row['label']).unit}"
    return NOT_YET if row["actual"] is None else ADVICES.get(row["actual"], row["actual"])


def deed(row: dict[str, Any]) -> str:
    """Return what the trader noted in time; what was noted afterwards says so."""
    if row["did"] is not None:
        return str(row["did"])
    return "" if row["did_late"] is None else f"{row['did_late']}, noted after"


def why(row: dict[str, Any]) -> str:
    """Return why there is no answer or no outcome."""
    return str(row["refusal_reason"] or (row["void_reason"] or "").replace("_", " "))
