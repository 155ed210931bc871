"""Champion and challengers: every version beside the one that the panel shows, on the events that both answered."""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_models.scores import FloatArray
from ml_models.verdicts import Verdict, counted
from ml_monitoring.comparison import Comparison, compare, on_same_events
from ml_monitoring.judged import Judged, judged_of
from ml_monitoring.performance_monitor import saved
from ml_monitoring.superior import LEAST_DAYS, Superior, superior

CHAMPION = "champion"


@dataclass(frozen=True)
class Challenge:
    """How the challengers did: each one paired with the champion, and all together.

    `together` is the joint test of `tested`, those with `LEAST_DAYS` days in common with the champion, on the `events`
    that all of them answered; None with fewer than two.
    """

    champion: str
    comparisons: tuple[Comparison, ...]
    tested: tuple[str, ...]
    together: Superior | None
    events: int
    verdict: Verdict


def champion_of(journal: pa.Table) -> str | None:
    """Return the version that answered last as champion, from the rows of `ml_data.journal.judged_predictions`.

    None where no row was logged as the champion's.
    """
    rows = journal.filter(pc.fill_null(pc.equal(journal["role"], CHAMPION), False))
    if rows.num_rows == 0:
        return None
    newest = rows.filter(pc.equal(rows["decided_at"], pc.max(rows["decided_at"])))
    return str(max(newest["version"].to_pylist()))


def challenge(journal: pa.Table, champion: str) -> Challenge | None:
    """Return how all other versions did beside `champion`; None where no other one answered any of its events."""
    others = sorted(set(journal["version"].to_pylist()) - {champion})
    comparisons = tuple(found for found in (compare(journal, other, champion) for other in others) if found.gains)
    if not comparisons:
        return None
    tested = tuple(found.version for found in comparisons if _days(found) >= LEAST_DAYS)
    together, events = None, 0
    if len(tested) > 1:
        gains, events = _gains_by_day(journal, champion, tested)
        together = superior(gains)
    return Challenge(
        champion, comparisons, tested, together, events, _verdict(champion, comparisons, tested, together, events)
    )


def _days(found: Comparison) -> int:
    return next(iter(found.gains.values())).days


def _gains_by_day(journal: pa.Table, champion: str, challengers: tuple[str, ...]) -> tuple[FloatArray, int]:
    """Return (days, K): what each challenger saved beside the champion, and the number of events all answered."""
    parts: list[Judged] = [
        judged_of(journal.filter(pc.equal(journal["version"], each))) for each in (champion, *challengers)
    ]
    same = on_same_events(parts)
    mine, *theirs = (saved(each, "log_loss") for each in same)
    days, place = np.unique(same[0].days, return_inverse=True)
    gains = [np.bincount(place, weights=each - mine, minlength=len(days)) for each in theirs]
    return np.column_stack(gains).astype(np.float64), len(same[0])


def _verdict(
    champion: str,
    comparisons: tuple[Comparison, ...],
    tested: tuple[str, ...],
    together: Superior | None,
    events: int,
) -> Verdict:
    if together is None:
        if len(comparisons) == 1:
            return comparisons[0].verdict
        waiting = f"{LEAST_DAYS} days in common with {champion} are needed to be tested together"
        return Verdict("cannot tell", f"{counted(len(comparisons), 'challenger')}: {waiting}; {len(tested)} has them.")
    if math.isnan(together.p_value):
        return Verdict(
            "cannot tell",
            f"{len(tested)} challengers and {champion} have {counted(together.days, 'day')} in common, on which all of "
            f"them answered; {LEAST_DAYS} are needed, and that they differ.",
        )
    lies_on = f"{counted(events, 'event')} on {together.days:,} days that all answered"
    named = [name for name, better in zip(tested, together.better, strict=True) if better]
    if named:
        return Verdict(
            "good",
            f"Better than {champion} at {together.alpha:.0%} for all together: {', '.join(named)} (SPA p = "
            f"{together.p_value:.3f}; {lies_on}).",
        )
    return Verdict(
        "cannot tell",
        f"None of {len(tested)} challengers can be told from luck: the best of as many that are no better than "
        f"{champion} would look so good with a chance of {together.p_value:.0%} (SPA; {lies_on}).",
    )
