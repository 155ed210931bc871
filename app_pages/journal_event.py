"""One event of the journal in words: the forecast beside its baseline, its outcome with revisions, its origin. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from app_pages.clock import WallClock
from app_pages.health_view import plain
from app_pages.journal_view import RESULTS, advised, came
from app_pages.label_words import model_title, words_of
from ml_data.actions import WITHDRAWN, Note
from ml_models.quantiles import point_output
from trading.domain.label import BREAK_DIRECTION, label_named
from trading.domain.words import range_label

ORIGIN: Final = (
    "version_hash",
    "schema_hash",
    "data_hash",
    "max_input_time",
    "decided_at",
    "logged_at",
    "contract",
    "latency_ms",
)


def title(row: dict[str, Any]) -> str:
    """Return what a row is about."""
    day = row["trading_day"]
    asked = model_title(row["model"], row["instrument"])
    return f"{row['instrument']} {range_label(row['orb'] or '')} · {day:%a} {day.day} {day:%b %Y} · {asked}"


def forecast_frame(row: dict[str, Any]) -> pd.DataFrame:
    """Return what was said beside what was said without learning, a line a class or target, and what came."""
    asked = label_named(row["label"])
    if asked.targets:
        numbers = dict(zip(row["outputs"], row["quantiles"], strict=True))
        baselines, happened = row["baselines"] or [], row["actual_values"] or []
        return pd.DataFrame(
            [
                {
                    f"Said, {asked.unit}": target,
                    "Model": f"{numbers[point_output(target, tuple(numbers))]:+.3f}",
                    asked.walk.capitalize(): f"{baselines[place]:+.3f}" if place < len(baselines) else "–",
                    "Came": f"{happened[place]:+.3f}" if place < len(happened) else "…",
                }
                for place, target in enumerate(asked.targets)
            ]
        )
    walk = row["baseline_prob_up"] if asked == BREAK_DIRECTION else next(iter(row["baselines"] or ()), None)
    without = (walk, None if walk is None else 1 - walk, None)
    return pd.DataFrame(
        [
            {
                "What": advised(name),
                "Model": _percent(row[column]),
                asked.walk.capitalize(): _percent(without[place]),
                "Came": "◀ came" if row["actual"] == name else "",
            }
            for place, (name, column) in enumerate(zip(asked.classes, asked.columns, strict=True))
            if row[column] is not None
        ]
    )


def forecast_sentence(row: dict[str, Any]) -> str:
    """Return the advice, how sure it was, its interval and size where it has them."""
    asked = label_named(row["label"])
    parts = [f"Advice: {advised(row['advice'])}"]
    if row["confidence"] is not None:
        parts.append(f"confidence {100 * row['confidence']:.1f} %")
    if row["interval_low"] is not None:
        parts.append(f"interval {row['interval_low']:+.2f} to {row['interval_high']:+.2f} {asked.unit}")
    if row["advised_size"] is not None:
        parts.append(f"{100 * row['advised_size']:.0f} % of the rule's size")
    about = words_of(asked).event + (f" ({row['rule']})" if row["rule"] else "")
    return plain(f"Asked: {about}. {', '.join(parts)}.")


def outcome_sentence(row: dict[str, Any], wall: WallClock) -> str:
    """Return what came of it, in R beside the plain rule, and since when that was known."""
    if row["known_at"] is None:
        return "… No outcome is known yet. It is written by `hub settle` when the plain trade has closed."
    since = f"known {wall.day_hm(row['known_at'])} {wall.label}"
    if row["state"] == "void":
        return f"∅ Void: {(row['void_reason'] or '').replace('_', ' ')}; {since}."
    earned = "no trade" if row["r_net"] is None else f"plain rule {row['r_net']:+.2f} R net"
    if row["r_net_advised"] is not None:
        earned += f", with the advice {row['r_net_advised']:+.2f} R"
    return plain(f"{RESULTS[row['result']]}: {came(row)}; {earned}; {since}.")


def revisions_frame(revisions: pa.Table) -> pd.DataFrame:
    """Return every outcome that was written, in UTC, the first one first."""
    return pd.DataFrame(
        [
            {
                "Revision": each["revision"],
                "State": each["state"],
                "Came": each["actual"] or "",
                "Net R": each["r_net"],
                "with advice": each["r_net_advised"],
                "Known at": _utc(each["known_at"]),
                "Settled at": _utc(each["settled_at"]),
                "Void because": (each["void_reason"] or "").replace("_", " "),
            }
            for each in revisions.to_pylist()
        ]
    )


def origin_frame(row: dict[str, Any]) -> pd.DataFrame:
    """Return where a forecast comes from: version, hashes and instants, as texts to copy."""
    told = {name: row[name] for name in ("prediction_id", "model", "version", *ORIGIN)}
    return pd.DataFrame(
        [
            {"": name.replace("_", " "), "value": _utc(value) if isinstance(value, datetime) else str(value or "–")}
            for name, value in told.items()
        ]
    )


def notes_frame(notes: Sequence[Note]) -> pd.DataFrame:
    """Return the notes, the newest first, in UTC: they may be months later than the event."""
    return pd.DataFrame(
        [
            {
                "Noted": f"{note.acted_at:%Y-%m-%d %H:%M} UTC",
                "I": "took it back" if note.action == WITHDRAWN else note.action,
                "Why": note.why or "",
                "When": "before the outcome" if note.in_time else "noted after the outcome",
                "By": note.by_whom or "",
            }
            for note in reversed(notes)
        ]
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _utc(instant: datetime | None) -> str:
    return "–" if instant is None else f"{instant:%Y-%m-%dT%H:%M:%SZ}"
