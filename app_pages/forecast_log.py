"""The forecast log: what was said, beside what came of it, as a table with filters. Pure: a journal in, frames out."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd
import pyarrow as pa

from app_pages.clock import wall_clock
from app_pages.health_window import since
from app_pages.today_words import label
from trading.domain.instrument import Instrument

STATES: Final = ("matured", "pending", "void", "refused")
SIDES: Final = {"UP": "▲ UP", "DOWN": "▼ DOWN", "NONE": "– none"}
RESULTS: Final = {True: "✓ right", False: "✕ wrong"}
NOT_YET: Final = "…"
COLUMNS: Final = (
    "Made",
    "Range",
    "P(UP)",
    "Martingale",
    "Advice",
    "Actual",
    "Right?",
    "Net R",
    "State",
    "Why",
    "Version",
    "How",
)
"""What the table shows, in its order; the CSV has the UTC instant `At` before them."""


@dataclass(frozen=True)
class LogFilter:
    """Which rows to show; an empty tuple lets every row through. `sides` are of the advice, `results` of `RESULTS`."""

    states: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    def matching(self, log: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `log_frame` that every filter lets through."""
        wanted = {"State": self.states, "Range": self.ranges, "Advice": self.sides, "Right?": self.results}
        keep = pd.Series(True, index=log.index)
        for column, values in wanted.items():
            if values:
                keep &= log[column].isin(values)
        return log[keep]


def log_frame(
    journal: pa.Table, instrument: Instrument, first: date | None, zone: str, browser_zone: str | None
) -> pd.DataFrame:
    """Return the log from trading day `first` on (None: from the beginning), newest first.

    `At` is the moment of the decision (UTC), `Made` the wall clock of `zone` then (a choice of `app_pages.clock.ZONES`
    or an IANA zone). Probabilities are 0 to 1; they and `Net R` are missing where there is none.
    """
    rows = since(journal, first)
    columns = {name: rows[name].to_pylist()[::-1] for name in _READ}
    return pd.DataFrame(
        {
            "At": pd.Series(columns["decided_at"], dtype="datetime64[us, UTC]"),
            "Made": pd.Series(
                [wall_clock(zone, instrument, browser_zone, at).at(at) for at in columns["decided_at"]],
                dtype="datetime64[us]",
            ),
            "Range": [label(name) for name in columns["orb"]],
            "P(UP)": pd.Series(columns["prob_up"], dtype="float64"),
            "Martingale": pd.Series(columns["baseline_prob_up"], dtype="float64"),
            "Advice": [_side(name) for name in columns["advice"]],
            "Actual": [_side(name) for name in columns["actual"]],
            "Right?": [NOT_YET if right is None else RESULTS[right] for right in columns["correct"]],
            "Net R": pd.Series(columns["r_net"], dtype="float64"),
            "State": [
                "refused" if refusal else state
                for refusal, state in zip(columns["refusal_code"], columns["state"], strict=True)
            ],
            "Why": [
                refusal or (reason or "").replace("_", " ")
                for refusal, reason in zip(columns["refusal_reason"], columns["void_reason"], strict=True)
            ],
            "Version": columns["version"],
            "How": ["replayed" if replayed else "live" for replayed in columns["replayed"]],
        }
    )


def range_labels(instrument: Instrument) -> tuple[str, ...]:
    """Return the opening ranges of an instrument in the day's order, as the log names them."""
    return tuple(label(rule.name) for rule in instrument.opening_ranges)


def shown_sentence(shown: pd.DataFrame, log: pd.DataFrame) -> str:
    """Return how many rows are shown, and how many of those with an outcome were right."""
    said = f"{len(shown):,} of {len(log):,} forecasts"
    judged = shown["Right?"].isin(list(RESULTS.values()))
    right = int((shown["Right?"] == RESULTS[True]).sum())
    if not judged.any():
        return f"{said}; none of them has an outcome."
    alike = int(((shown["Martingale"] > 0.5) == (shown["Actual"] == SIDES["UP"]))[judged].sum())
    return (
        f"{said}; of {int(judged.sum()):,} with an outcome {right:,} called the side, the martingale {alike:,}. "
        "The side alone earns nothing: see the net R."
    )


def _side(name: str | None) -> str:
    return NOT_YET if name is None else SIDES.get(name, name)


_READ: Final = (
    "decided_at",
    "orb",
    "prob_up",
    "baseline_prob_up",
    "advice",
    "actual",
    "correct",
    "r_net",
    "state",
    "void_reason",
    "refusal_code",
    "refusal_reason",
    "version",
    "replayed",
)
