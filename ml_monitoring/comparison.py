"""Two versions of one model on the very same events: what the one gained over the other, paired by event and day."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_models.intervals import Estimate, mean_interval
from ml_models.score_table import skill
from ml_models.value_scores import value_skills
from ml_models.verdicts import Verdict, at_the_present_value, evidence, further_days, no_interval
from ml_monitoring.judged import Bools, Judged, judged_of
from ml_monitoring.performance_monitor import SKILLS
from ml_monitoring.sentences import NATS_FORMAT, R_FORMAT, gain_unit

NET_R = "net_r"
"""The gain in net R an event with the advice followed."""


@dataclass(frozen=True)
class Comparison:
    """What `version` gained over `other` on the events that both answered and whose outcome is known.

    `gains` are means of paired differences by score (and `net_r`), positive = `version` is better; `only_version` and
    `only_other` count the matured events that the other one did not answer, which are in no number here.
    """

    version: str
    other: str
    gains: dict[str, Estimate]
    only_version: int
    only_other: int
    verdict: Verdict

    @property
    def events(self) -> int:
        """How many events both answered."""
        return next((estimate.n for estimate in self.gains.values()), 0)


def compare(journal: pa.Table, version: str, other: str) -> Comparison:
    """Return how `version` did beside `other`, from the rows of `ml_data.journal.judged_predictions` of one model."""
    ours, theirs = (judged_of(journal.filter(pc.equal(journal["version"], each))) for each in (version, other))
    mine, its = on_same_events((ours, theirs))
    alone = (len(ours) - len(mine), len(theirs) - len(its))
    if not len(mine):
        said = (
            f"No event with an outcome was answered by both: {alone[0]:,} by {version} alone, {alone[1]:,} by {other}."
        )
        return Comparison(version, other, {}, *alone, Verdict("cannot tell", said))
    if mine.classes != its.classes:
        said = f"{version} answers one of {', '.join(mine.classes)}, {other} one of {', '.join(its.classes)}."
        return Comparison(version, other, {}, *alone, Verdict("cannot tell", f"{said} They cannot be compared."))
    gains = _gains(mine, its)
    traded = ~np.isnan(mine.r_net_advised) & ~np.isnan(its.r_net_advised)
    if traded.any():
        gains[NET_R] = mean_interval((mine.r_net_advised - its.r_net_advised)[traded], mine.days[traded])
    return Comparison(version, other, gains, *alone, _verdict(gains, version, other, gain_unit(mine.label)))


def on_same_events(parts: Sequence[Judged]) -> list[Judged]:
    """Return each of `parts` on the events that all have, in the same order: each answers a range of a day once."""
    keys = [list(zip(each.days.tolist(), each.orb.tolist(), strict=True)) for each in parts]
    common = set(keys[0]).intersection(*keys[1:])
    kept: list[Judged] = []
    for judged, names in zip(parts, keys, strict=True):
        keep: Bools = np.array([name in common for name in names], dtype=bool)
        kept.append(judged.where(keep))
    return kept


def _gains(mine: Judged, its: Judged) -> dict[str, Estimate]:
    if mine.numbers is not None and its.numbers is not None:
        actual, forecasts = mine.numbers.actual[:, 0], (mine.numbers.forecast(0), its.numbers.forecast(0))
        return value_skills(actual, *forecasts, mine.days)
    return {str(name): skill(mine.actual, mine.probs, its.probs, mine.days, score=name) for name in SKILLS}


def _verdict(gains: dict[str, Estimate], version: str, other: str, unit: str) -> Verdict:
    judged = next(iter(gains.values()))
    missing = no_interval(f"The gain of {version} over {other}", judged, NATS_FORMAT)
    if missing:
        return Verdict("cannot tell", missing)
    said = f"on the same events: {NATS_FORMAT.format(judged.value)} {unit} an event {evidence(judged, NATS_FORMAT)}"
    worth = gains.get(NET_R)
    beside = "" if worth is None else f"; net R with the advice {_in_r(worth)}"
    if judged.low > 0:
        return Verdict("good", f"{version} is better than {other} {said}{beside}.")
    if judged.high < 0:
        return Verdict("bad", f"{version} is worse than {other} {said}{beside}.")
    wait = at_the_present_value(further_days(judged))
    return Verdict("cannot tell", f"{version} cannot be told from {other} {said}: {wait}{beside}.")


def _in_r(worth: Estimate) -> str:
    missing = no_interval("", worth, R_FORMAT)
    interval = "without an interval" if missing else f"({R_FORMAT.format(worth.low)} to {R_FORMAT.format(worth.high)})"
    return f"{R_FORMAT.format(worth.value)} an event {interval}"
