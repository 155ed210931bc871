"""What was found about the clock of a file's stamps, in sentences with the numbers that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ml_data.clock_evidence import Candidate, ClockEvidence, ClockVerdict
from trading.domain.instrument import Instrument

_NAMED: Final = 4  # clocks that a sentence names; the others it counts


@dataclass(frozen=True)
class ClockFinding:
    """The clock on which stamps were read, and how it is known: `lines` are the evidence, a sentence each.

    `how` is "inferred" from the bars, "named" with `--time-zone`, or "stated" by the stamps or the format. `verdict` is
    that of the inference; for a clock that was named or stated "agrees", "contradicted" or "not asked" (the bars say
    nothing). `accepted` is whether a person said `--accept`. `candidates` are the best few.
    """

    clock: str
    how: Literal["inferred", "named", "stated"]
    verdict: ClockVerdict | Literal["agrees", "contradicted", "not asked"]
    lines: tuple[str, ...]
    accepted: bool
    candidates: tuple[Candidate, ...] = ()

    @property
    def needs_accept(self) -> bool:
        """Whether a person must agree before anything is stored."""
        return self.how == "inferred" and not self.accepted

    @property
    def contradiction(self) -> tuple[str, ...]:
        """What the bars say against the clock, if they do."""
        return self.lines if self.verdict == "contradicted" else ()

    def words(self) -> str:
        """Return how the clock is known."""
        known = {"inferred": f"inferred from the bars: {self.verdict}", "named": "named with --time-zone", "stated": ""}
        return known[self.how] + (", against the bars" if self.verdict == "contradicted" else "")


def evidence_lines(evidence: ClockEvidence, instrument: Instrument) -> tuple[str, ...]:
    """Return why the best clock is the best, one sentence a piece of evidence."""
    best = evidence.best
    lines = [in_closed_hours(evidence, best, _contrast(evidence, instrument), instrument)]
    rivals = [candidate for candidate in evidence.candidates[1:] if candidate.contradicted]
    if rivals and not evidence.by_volume:
        nearest = min(rivals, key=lambda rival: rival.against - rival.best_there)
        lines.append(
            f"the nearest of {len(rivals)} other readings, {nearest.clock}, has {nearest.elsewhere:,} closures "
            f"elsewhere and puts {nearest.against:,} bars into them, {best.clock} {nearest.best_there:,}"
        )
    if evidence.closures and not evidence.by_volume:
        lines.append(f"bars stop and go on with {best.lined_up:,} of {evidence.closures:,} closures of the schedule")
    if evidence.opens and 2 * best.busy_opens >= evidence.opens:
        lines.append(busy_opens(evidence, best))
    if best.alike:
        lines.append(f"{_listed((best.clock, *best.alike))} are the same in this span")
    if evidence.verdict == "likely":
        lines.append(f"likely, not certain: {_doubt(evidence)}")
    return tuple(lines)


def _doubt(evidence: ClockEvidence) -> str:
    """Return what keeps the best reading from being certain."""
    rivals = sum(not candidate.contradicted for candidate in evidence.candidates) - 1
    if evidence.by_volume:
        return "bars are made outside the hours of the schedule too, so only their volume tells"
    if rivals:
        return (
            f"{rivals} other readings put no more bars into closed hours; only when the market wakes tells them apart"
        )
    if evidence.best.lined_up < 2:
        return "bars stop and go on with fewer than two closures"
    return "more than 1 of 100 bars lies in closed hours"


def in_closed_hours(evidence: ClockEvidence, read: Candidate, other: Candidate | None, instrument: Instrument) -> str:
    """Return how many bars lie in closed hours as `read`, and how many there would be as `other`."""
    if evidence.by_volume and read.closed_share == read.closed_share:
        told = f"{read.closed_share:.0%} of the volume lies outside the hours of {instrument.exchange_calendar}"
        figures = "" if other is None else f"{other.closed_share:.0%}"
    else:
        told = counted(evidence.bars, read.in_halt, read.in_closures, instrument)
        figures = "" if other is None else f"{other.in_closures if instrument.daily_halt is None else other.in_halt:,}"
        if instrument.daily_halt is not None and read.in_closures and other is not None:
            figures += f" and {other.in_closures:,}"
        if read.impossible:
            told += f", {read.impossible:,} into an hour that the clock skips in spring"
    return told if other is None else f"{told}; read as {other.clock} {figures} would"


def busy_opens(evidence: ClockEvidence, read: Candidate) -> str:
    """Say on how many days US stocks open into busy minutes as `read`, and as the best reading if that is another."""
    best = evidence.best
    told = f"the minutes from 09:30 New York are busier than those before on {read.busy_opens:,}"
    if read is best:
        return f"{told} of {evidence.opens:,} days"
    return f"{told} days; read as {best.clock} on {best.busy_opens:,} of {evidence.opens:,}"


def counted(bars: int, in_halt: int, in_closures: int, instrument: Instrument) -> str:
    """Return how many of `bars` lie where the market of `instrument` is closed."""
    if instrument.daily_halt is None:
        return f"{in_closures:,} of {bars:,} bars lie outside the hours of {instrument.exchange_calendar}"
    begins, ends = instrument.daily_halt
    place = instrument.exchange_zone.rsplit("/")[-1].replace("_", " ")
    told = f"{in_halt:,} of {bars:,} bars fall into the daily halt {begins:%H:%M}-{ends:%H:%M} {place}"
    return f"{told}, {in_closures:,} into weekends and holidays" if in_closures else told


def why_unknown(evidence: ClockEvidence, instrument: Instrument) -> str:
    """Return why the bars do not tell the clock."""
    change = evidence.change
    if change is not None:
        return (
            f"the clock changes within the file: up to {change.last} the bars fit {change.before}, from {change.first} "
            f"{change.after}; split it there and import each part with its --time-zone"
        )
    if len(evidence.open_clocks) > 1:
        usual = [clock for clock in (instrument.exchange_zone, "UTC") if clock in evidence.open_clocks]
        fitting = list(dict.fromkeys([*usual, *evidence.open_clocks]))
        return (
            f"{evidence.bars:,} bars fit {_listed(fitting)} alike; name the right one, for example with --time-zone "
            f"'{fitting[0]}', or bring a longer file"
        )
    return (
        f"under no clock do the bars keep to the hours of the instrument (at best, as {evidence.best.clock}, "
        f"{evidence.best.wrong:,} of {evidence.bars:,} lie outside); check the instrument, or name the clock with "
        f"--time-zone"
    )


def _contrast(evidence: ClockEvidence, instrument: Instrument) -> Candidate | None:
    """Return the reading to compare the best with: UTC, the exchange's clock, or the next."""
    wrong = [candidate for candidate in evidence.candidates[1:] if candidate.contradicted]
    for clock in ("UTC", instrument.exchange_zone):
        for candidate in wrong:
            if candidate.clock == clock:
                return candidate
    return wrong[0] if wrong else None


def _listed(names: Sequence[str]) -> str:
    shown = list(names)
    if len(shown) > _NAMED:
        shown = [*shown[: _NAMED - 1], f"{len(shown) - _NAMED + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
