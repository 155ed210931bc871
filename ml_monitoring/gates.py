"""What a version must show before it may enter a stage, from the evidence of its present one: good, bad, cannot tell.

Every gate is closed until it is shown to be open: missing, stale or undefined evidence is "cannot tell", and so is
evidence whose clock went backwards. A version that lacks skill passes with a chance of at most `alpha`, however often
one looks (`ml_monitoring.betting`).
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from ml_models.intervals import Estimate, share_interval
from ml_models.verdicts import State, describe_against, further_days
from ml_monitoring.betting import Wealth
from ml_monitoring.calibration_monitor import calibration
from ml_monitoring.evidence import Evidence
from ml_monitoring.looks import Look
from ml_monitoring.wealth import hardest, net_r_wealth, skill_wealth
from trading.domain.advice import STAGES
from trading.errors import HubError
from trading.settings import GateSettings

REVISION: Final = 1
"""Raise it when a gate is computed otherwise: what was approved before is void then."""

_CHECKS_FROM: Final = {"version": "advisory", "replay": "hybrid", "skew": "hybrid", "breaker": "advisory"}
"""What is looked at elsewhere, and the first stage that asks for it."""


@dataclass(frozen=True)
class Check:
    """What was found elsewhere: whether it is in order (None: nobody can tell), and the sentence that says it."""

    passed: bool | None
    sentence: str


@dataclass(frozen=True)
class Gate:
    """One condition: its value (with its interval, on `n`) beside what is needed; NaN where there is none.

    `further_days` are trading days at the present rate: 0 when it is open, infinity when never, NaN when unknown.
    """

    name: str
    title: str
    state: State
    sentence: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    need: float = math.nan
    further_days: float = math.nan


@dataclass(frozen=True, eq=False)
class GateReport:
    """The gates of `stage` for one version at the instant `at`, and the hash of everything they were computed from.

    `skill` is the wealth against the baseline that is hardest to beat (`baseline`), `net_r` that on the advised trades;
    None where there is nothing to bet on. `live` forecasts count, `replayed` ones never do: they are only told.
    """

    instrument: str
    model: str
    version: str
    stage: str
    at: datetime
    gates: tuple[Gate, ...]
    evidence_hash: str
    baseline: str
    skill: Wealth | None
    net_r: Wealth | None
    live: int
    replayed: int

    @property
    def passed(self) -> bool:
        """Whether every gate that this stage has is there and open."""
        return bool(self.gates) and all(gate.state == "good" for gate in self.gates)


def required_checks(stage: str) -> tuple[str, ...]:
    """Return what must be looked at elsewhere before a version enters `stage`.

    >>> required_checks("hybrid")
    ('version', 'replay', 'skew', 'breaker')
    """
    return tuple(name for name, first in _CHECKS_FROM.items() if STAGES.index(stage) >= STAGES.index(first))


def gate_report(
    evidence: Evidence,
    stage: str,
    settings: GateSettings,
    *,
    most_a_day: int,
    looks: Sequence[Look],
    checks: Mapping[str, Check],
) -> GateReport:
    """Return the gates for entering `stage`; `looks` are the newest of every monitor, `checks` by name."""
    bets, skill = _skill(evidence, settings, most_a_day)
    earned, net_r = _net_r(evidence, settings, most_a_day)
    gates = [
        _days(evidence, settings),
        _predictions(evidence, settings),
        _fresh(evidence, settings),
        skill,
        net_r,
        *([_accuracy(evidence, settings.accuracy_above)] if settings.accuracy_above is not None else []),
        _calibration(evidence),
        _quiet(looks),
        *(_checked(name, checks.get(name)) for name in required_checks(stage)),
    ]
    worst = hardest(bets) if bets else ""
    return GateReport(
        instrument=evidence.instrument,
        model=evidence.model,
        version=evidence.version,
        stage=stage,
        at=evidence.at,
        gates=tuple(gates),
        evidence_hash=evidence_hash(evidence, stage, settings, most_a_day),
        baseline=worst,
        skill=bets.get(worst),
        net_r=earned,
        live=len(evidence.live),
        replayed=len(evidence.replayed),
    )


def evidence_hash(evidence: Evidence, stage: str, settings: GateSettings, most_a_day: int) -> str:
    """Return the hash that an approval is bound to: the rows that counted, the version, the stage and the settings."""
    inputs = {
        "revision": REVISION,
        "model": evidence.model,
        "version": evidence.version,
        "stage": stage,
        "since": None if evidence.since is None else evidence.since.isoformat(),
        "most_a_day": most_a_day,
        "settings": settings.model_dump(),
        "rows": evidence.digest,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _days(evidence: Evidence, settings: GateSettings) -> Gate:
    seen = len(np.unique(evidence.live.days))
    missing = max(0, settings.days - seen)
    said = f"{seen:,} of {settings.days:,} trading days with live forecasts that are settled."
    return Gate(
        "days", "Days in this stage", _reached(missing), said, seen, n=seen, need=settings.days, further_days=missing
    )


def _predictions(evidence: Evidence, settings: GateSettings) -> Gate:
    n, days = len(evidence.live), len(np.unique(evidence.live.days))
    missing = max(0, settings.predictions - n)
    wait = 0.0 if missing == 0 else math.ceil(missing * days / n) if n else math.nan
    said = f"{n:,} of {settings.predictions:,} live forecasts with an outcome; {evidence.waiting:,} wait for theirs"
    late = f", {evidence.late:,} were logged too late to count" if evidence.late else ""
    return Gate(
        "predictions",
        "Forecasts with outcome",
        _reached(missing),
        f"{said}{late}.",
        n,
        n=n,
        need=settings.predictions,
        further_days=wait,
    )


def _fresh(evidence: Evidence, settings: GateSettings) -> Gate:
    title, need = "Evidence is fresh", float(settings.fresh_days)
    if evidence.newest_stamp is not None and evidence.newest_stamp > evidence.at:
        said = f"The clock went back: {evidence.newest_stamp:%Y-%m-%d %H:%MZ} is written in the journal already."
        return Gate("fresh", title, "cannot tell", said, need=need)
    if evidence.newest is None:
        return Gate("fresh", title, "cannot tell", "No live forecast has been logged.", need=need)
    age = evidence.at - evidence.newest
    said = f"The newest live forecast is of {evidence.newest:%Y-%m-%d %H:%MZ}, {age.days:,} days old"
    if age > timedelta(days=settings.fresh_days):
        return Gate("fresh", title, "cannot tell", f"{said}: stale.", age.days, n=1, need=need, further_days=1)
    return Gate("fresh", title, "good", f"{said}.", age.days, n=1, need=need, further_days=0)


def _skill(evidence: Evidence, settings: GateSettings, most_a_day: int) -> tuple[dict[str, Wealth], Gate]:
    title = "Skill: wealth of a bettor"
    if evidence.live.label.targets:
        said = "A number can be off by any amount, so nobody can bet on it fairly: there is no gate for it yet."
        return {}, Gate("skill", title, "cannot tell", said, need=1 / settings.alpha)
    if len(evidence.live) == 0:
        return {}, _nothing("skill", title, 1 / settings.alpha)
    try:
        bets = skill_wealth(evidence.live, most_a_day, settings.alpha)
    except HubError as error:
        return {}, Gate("skill", title, "cannot tell", str(error), need=1 / settings.alpha)
    name = hardest(bets)
    return bets, _bet("skill", title, bets[name], f"on the Brier gain over {_the(name)}", len(evidence.live))


def _net_r(evidence: Evidence, settings: GateSettings, most_a_day: int) -> tuple[Wealth | None, Gate]:
    title, advised = "Net R: wealth of a bettor", int(evidence.live.advised.sum())
    if advised == 0:
        return None, _nothing("net_r", title, 1 / settings.alpha)
    try:
        found = net_r_wealth(evidence.live, evidence.worst_r, most_a_day, settings.alpha)
    except HubError as error:
        return None, Gate("net_r", title, "cannot tell", str(error), need=1 / settings.alpha)
    return found, _bet("net_r", title, found, f"on the net R of {advised:,} advised events", advised)


def _bet(name: str, title: str, found: Wealth, bet: str, n: int) -> Gate:
    """Return the gate of a bet; its low and high are the least and the most wealth so far."""
    state: State = "good" if found.passed is not None else "bad" if math.isinf(found.further_days) else "cannot tell"
    end = {
        "good": f"it had reached {found.needed:g} on {found.passed}",
        "bad": f"it does not grow towards {found.needed:g}",
        "cannot tell": f"{found.needed:g} would take about {found.further_days:,.0f} further days at the present rate",
    }[state]
    return Gate(
        name,
        title,
        state,
        f"A bettor {bet} has {found.now:,.2f} times the stake after {len(found.days):,} days: {end}.",
        found.now,
        min(1.0, float(found.wealth.min())),
        max(1.0, float(found.wealth.max())),
        n,
        found.needed,
        found.further_days,
    )


def _accuracy(evidence: Evidence, above: float) -> Gate:
    live, title = evidence.live, f"Accuracy above {100 * above:g} %"
    if len(live) == 0 or live.label.targets:
        return _nothing("accuracy", title, above)
    found = share_interval(live.probs.argmax(axis=1) == live.actual, live.days)
    verdict = describe_against("Accuracy", found, above)
    return _estimated("accuracy", title, verdict.state, verdict.sentence, found, above)


def _calibration(evidence: Evidence) -> Gate:
    title = "Calibration is not rejected"
    found = None if evidence.live.label.targets else calibration(evidence.live)
    if found is None or math.isnan(found.bins.p_value) or math.isnan(found.error.null_p95):
        return _nothing("calibration", title, math.nan)
    state: State = "bad" if found.verdict.state == "bad" or found.verdicts[2].state == "bad" else "good"
    said = found.verdicts[2].sentence if found.verdict.state != "bad" and state == "bad" else found.verdict.sentence
    return Gate(
        "calibration",
        title,
        state,
        said,
        found.error.value,
        n=len(evidence.live),
        need=found.error.null_p95,
        further_days=0.0 if state == "good" else math.nan,
    )


def _quiet(looks: Sequence[Look]) -> Gate:
    """Return whether no alarm is open: every monitor must have looked, and be able to tell."""
    title = "No open alarm"
    for state, worst in (("alarm", "bad"), ("cannot tell", "cannot tell")):
        said = [look.sentence for look in looks if look.state == state]
        if said:
            return Gate("alarms", title, "bad" if worst == "bad" else "cannot tell", " ".join(said), len(said), need=0)
    if not looks:
        return Gate("alarms", title, "cannot tell", "No monitor has looked yet.", need=0)
    names = ", ".join(look.monitor for look in looks)
    return Gate("alarms", title, "good", f"{names[0].upper()}{names[1:]}: quiet.", 0, n=len(looks), need=0)


def _checked(name: str, check: Check | None) -> Gate:
    title = {
        "version": "The version is sound",
        "replay": "Replay audit is clean",
        "skew": "Skew audit is clean",
        "breaker": "Circuit breaker is armed",
    }[name]
    if check is None or check.passed is None:
        return Gate(name, title, "cannot tell", "It has not been looked at." if check is None else check.sentence)
    return Gate(name, title, "good" if check.passed else "bad", check.sentence)


def _estimated(name: str, title: str, state: State, sentence: str, found: Estimate, need: float) -> Gate:
    wait = 0.0 if state == "good" else further_days(found, need)
    return Gate(name, title, state, sentence, found.value, found.low, found.high, found.n, need, wait)


def _nothing(name: str, title: str, need: float) -> Gate:
    return Gate(name, title, "cannot tell", "Too few live forecasts have an outcome yet.", need=need)


def _reached(missing: int) -> State:
    return "good" if missing == 0 else "cannot tell"


def _the(baseline: str) -> str:
    return f"the {baseline.replace('_', ' ')}"
