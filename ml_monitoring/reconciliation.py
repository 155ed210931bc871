"""The difference in net R between what was logged on a day and a replay of it, split exactly into its causes.

An event goes from the journal to the replay stage by stage; what a stage moves is its cause's part. Parts are summed as
fractions, without any rounding, and set against the whole, which comes from the journal and from settlement alone: what
is left over is `unexplained`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from ml_monitoring.outcome_logger import advised_r
from trading.domain.substitution import CAUSES, UNEXPLAINED, Cause, Said, Substituted
from trading.domain.words import r_text

_ORDER: Final = {cause.name: place for place, cause in enumerate(CAUSES)}


@dataclass(frozen=True)
class Fill:
    """What an event came to: matured or void, the class that happened, and net R of the plain rule (None: no trade)."""

    state: str
    actual: str | None
    r_net: float | None


@dataclass(frozen=True)
class FillStage:
    """What an event came to once one more stage of settling is the replay's, where that differs."""

    cause: Cause
    why: str
    fill: Fill | None


@dataclass(frozen=True)
class Case:
    """An event: what was said of it stage by stage, and what it came to, as settled (None: not yet) and then by stages.

    `r_live` is the net R with the advice followed that the journal holds, `r_replay` what settling the replay gives.
    """

    substituted: Substituted
    settled: Fill | None
    fills: tuple[FillStage, ...]
    r_live: float | None
    r_replay: float | None


@dataclass(frozen=True)
class Part:
    """What one cause did to one event: the net R that it moved, and what is known of it."""

    cause: str
    r: float
    why: str


@dataclass(frozen=True)
class Difference:
    """An event whose replay is not what was logged: its first cause in causal order, and every part, in that order."""

    event: str
    prediction_id: str
    cause: str
    parts: tuple[Part, ...]
    r_live: float
    r_replay: float

    def __str__(self) -> str:
        parts = "; ".join(f"{part.cause} {part.r:+.3f} R ({part.why})" for part in self.parts)
        moved = f"{self.r_live:+.3f} R live, {self.r_replay:+.3f} replayed"
        return f"{self.event} ({self.prediction_id[:8]}): {moved}: {parts}"


@dataclass(frozen=True)
class CauseTotal:
    """A cause on a day: events whose first cause it is, events in which it has a part, and the net R it moved."""

    cause: str
    events: int
    parts: int
    r: float


@dataclass(frozen=True)
class Reconciliation:
    """The events of one day as logged beside their replay. `r_replay - r_live` is the sum of the causes' R, exactly.

    `unsettled` events have no outcome in the journal yet, so that no R of theirs is compared. `replayed` says that what
    was logged was itself replayed.
    """

    instrument: str
    model: str
    version: str
    trading_day: date
    replayed: bool
    events: int
    unsettled: int
    r_live: float
    r_replay: float
    causes: tuple[CauseTotal, ...]
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether every difference has a cause that is known."""
        return all(total.cause != UNEXPLAINED.name for total in self.causes)


def reconciled(
    cases: Sequence[Case], *, instrument: str, model: str, version: str, trading_day: date, replayed: bool
) -> Reconciliation:
    """Return the difference of a day's events between journal and replay, by cause."""
    split = [_parts(case) for case in cases]
    differences = [_difference(case, parts) for case, parts in zip(cases, split, strict=True) if parts]
    causes = []
    for cause in CAUSES:
        mine = [part for parts in split for part in parts if part[0] is cause]
        if mine:
            first = sum(each.cause == cause.name for each in differences)
            causes.append(CauseTotal(cause.name, first, len(mine), float(sum(part[1] for part in mine))))
    return Reconciliation(
        instrument=instrument,
        model=model,
        version=version,
        trading_day=trading_day,
        replayed=replayed,
        events=len(cases),
        unsettled=sum(_unsettled(case) for case in cases),
        r_live=float(sum((_exact(case.r_live) for case in cases), Fraction())),
        r_replay=float(sum((_exact(case.r_replay) for case in cases), Fraction())),
        causes=tuple(causes),
        differences=tuple(differences),
    )


def _parts(case: Case) -> list[tuple[Cause, Fraction, str]]:
    """Return what each cause did to an event, in causal order; their R sum to the whole difference, exactly."""
    said: Said | None = case.substituted.logged
    fill = case.settled
    moved: dict[Cause, tuple[Fraction, str]] = {}
    before = _r(said, fill)
    for stage in case.substituted.stages:
        said = stage.said
        before = _move(moved, stage.cause, before, _r(said, fill), stage.why)
    for settling in case.fills:
        fill = settling.fill
        before = _move(moved, settling.cause, before, _r(said, fill), settling.why)
    rest = _exact(case.r_replay) - _exact(case.r_live) - sum((r for r, _ in moved.values()), Fraction())
    if rest:
        _move(moved, UNEXPLAINED, Fraction(), rest, "the settled net R is not that of its advice and trade")
    return [(cause, *moved[cause]) for cause in sorted(moved, key=lambda each: _ORDER[each.name])]


def _move(
    moved: dict[Cause, tuple[Fraction, str]], cause: Cause, before: Fraction, after: Fraction, why: str
) -> Fraction:
    r, known = moved.get(cause, (Fraction(), why))
    moved[cause] = (r + after - before, known)
    return after


def _difference(case: Case, parts: Iterable[tuple[Cause, Fraction, str]]) -> Difference:
    told = tuple(Part(cause.name, float(r), why) for cause, r, why in parts)
    live, replay = (float(_exact(r)) for r in (case.r_live, case.r_replay))  # 0, not -0
    return Difference(case.substituted.event, case.substituted.prediction_id, told[0].cause, told, live, replay)


def _unsettled(case: Case) -> bool:
    return case.substituted.logged is not None and case.settled is None


def _r(said: Said | None, fill: Fill | None) -> Fraction:
    """Return the net R of what was said, followed; nothing where nothing was said or nothing was traded."""
    if said is None or fill is None:
        return Fraction()
    return _exact(advised_r(said.advice, said.size, fill.actual, fill.r_net))


def _exact(r: float | None) -> Fraction:
    return Fraction() if r is None else Fraction(r)


def describe_reconciliation(found: Reconciliation) -> str:
    """Return what the comparison came to, as one sentence."""
    return reconciliation_sentence(
        found.events, len(found.differences), {each.cause: (each.events, each.r) for each in found.causes}
    )


def reconciliation_sentence(events: int, differ: int, causes: dict[str, tuple[int, float]]) -> str:
    """Return how many events differ between journal and replay, and why; `causes` are events and net R by name.

    >>> reconciliation_sentence(12, 1, {"model_differs": (1, -0.5)})
    '12 events compared, 1 differs: 1 by another version (−0.50R).'
    >>> reconciliation_sentence(12, 2, {"data_revised": (2, 1.0), "fill_differs": (0, -0.1)})
    '12 events compared, 2 differ: 2 by revised or late bars (+1.00R), by other costs or ticks as well (−0.10R).'
    >>> reconciliation_sentence(12, 0, {})
    '12 events compared, none differs.'
    """
    if not causes:
        return f"{events:,} events compared, none differs."
    words = {cause.name: cause.words for cause in CAUSES}
    told = []
    for name, (count, r) in sorted(causes.items(), key=lambda each: _ORDER[each[0]]):
        of = f"{count:,} {words[name]}" if count else f"{words[name]} as well"  # never an event's first cause
        told.append(f"{of} ({r_text(r)})")
    return f"{events:,} events compared, {differ:,} differ{'s' * (differ == 1)}: {', '.join(told)}."
