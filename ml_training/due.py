"""When a model is to be trained again: by schedule, by new outcomes, by an alarm. Pure: facts in, words out.

A comparison is fair only on days that neither version has seen and whose outcomes did not call for it: the days on
which a monitor found the champion wanting are days on which it looks worse than it is. So where such an alarm is the
cause, the days of the comparison come after it; they may be waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from ml_data.retrainings import JUDGED, Alarm, Cause, Retraining
from ml_models.verdicts import counted
from trading.settings import RetrainSettings

BUDGET_DAYS: Final = 30
YEAR_DAYS: Final = 365
WITHOUT_OUTCOMES: Final = ("forecast drift", "input drift", "expired_model")
"""The monitors, and the codes of the breaker, that look at no outcome: their alarms spoil no day for a comparison."""

_ROUNDING: Final = 1e-12

State = Literal["due", "waiting", "not due"]


@dataclass(frozen=True)
class Facts:
    """What is known of a model's champion.

    It was made at `made_at` and has seen the days to `through`; `outcomes` counts the events with an outcome by trading
    day after that; `alarms` are those about it, oldest first; `history` are the model's retrainings, oldest first;
    `days` are the whole trading days after `through` whose bars are stored.
    """

    champion: str
    made_at: datetime
    through: date
    outcomes: dict[date, int]
    alarms: tuple[Alarm, ...]
    history: tuple[Retraining, ...]
    days: tuple[date, ...]


@dataclass(frozen=True)
class Due:
    """Whether to train again, and why, or why not.

    `after` is the day after which the days of the comparison begin; `on` when it becomes due by schedule (UTC date).
    """

    state: State
    cause: Cause | None
    because: str
    after: date
    on: date

    @property
    def sentence(self) -> str:
        """What to tell a reader."""
        return f"{self.state}: {self.because}{f'; by schedule on {self.on}' if self.state == 'not due' else ''}."


@dataclass(frozen=True)
class _Called:
    cause: Cause
    because: str
    after: date


def due(facts: Facts, settings: RetrainSettings, now: datetime, *, by_hand: bool = False) -> Due:
    """Return whether the model is to be trained again at `now` (UTC).

    Asked for `by_hand` it needs no cause and no budget, but days that neither version has seen, after the last alarm
    that whoever asks may have heard, and a comparison left in the year: each spends of the chance of passing one that
    is no better.
    """
    on = (_since(facts) + timedelta(days=settings.every_days)).date()
    called = (_by_hand(facts),) if by_hand else _causes(facts, settings, now)
    if not called:
        return Due("not due", None, _so_far(facts, settings, now), facts.through, on)
    ready = [each for each in called if _fresh(facts, each.after) >= settings.test_days]
    chosen = ready[0] if ready else called[0]
    held = _held(facts, settings, now, by_hand=by_hand)
    if held:
        return Due("waiting", chosen.cause, f"{chosen.because}; {held}", chosen.after, on)
    if not ready:
        stored, whose = counted(_fresh(facts, chosen.after), "whole trading day"), _whose(facts, chosen)
        lacking = f"cannot compare yet: {whose} {stored} stored, {settings.test_days} needed"
        return Due("waiting", chosen.cause, f"{chosen.because}; {lacking}", chosen.after, on)
    return Due("due", chosen.cause, chosen.because, chosen.after, on)


def compared_in_year(history: Sequence[Retraining], now: datetime) -> tuple[Retraining, ...]:
    """Return the comparisons that there were, or may have been, in the last 365 days; one without an end is one."""
    begun = (each for each in history if each.started_at > now - timedelta(days=YEAR_DAYS))
    return tuple(each for each in begun if each.result is None or each.result.opened)


def _last_judged(history: Sequence[Retraining]) -> tuple[datetime, date | None] | None:
    ended = [each.result for each in history if each.result is not None and each.result.verdict in JUDGED]
    return (ended[-1].ended_at, ended[-1].last_day) if ended else None


def _since(facts: Facts) -> datetime:
    """Return when the champion was made, or last compared with a candidate."""
    judged = _last_judged(facts.history)
    return max(facts.made_at, judged[0]) if judged else facts.made_at


def _by_hand(facts: Facts) -> _Called:
    spoiled = [each for each in facts.alarms if each.at > _since(facts) and each.monitor not in WITHOUT_OUTCOMES]
    after = max([facts.through, *(alarm.through for alarm in spoiled)])
    return _Called("by hand", "asked for by hand", after)


def _causes(facts: Facts, settings: RetrainSettings, now: datetime) -> tuple[_Called, ...]:
    """Return what calls for a retraining; what spoils no day first."""
    judged, found = _last_judged(facts.history), []
    age = (now - _since(facts)).days
    if age >= settings.every_days:
        after = "the last comparison" if judged and judged[0] > facts.made_at else "the champion was made"
        found.append(_Called("schedule", f"{counted(age, 'day')} since {after}", facts.through))
    new = _new_outcomes(facts)
    if new >= settings.outcomes:
        found.append(_Called("outcomes", f"{counted(new, 'new outcome')}", facts.through))
    quiet_until = judged[0] + timedelta(days=settings.cooldown_days) if judged else facts.made_at
    counting = [alarm for alarm in facts.alarms if max(facts.made_at, quiet_until) < alarm.at <= now]
    for alarm in counting[:1] + [alarm for alarm in counting[1:] if alarm.monitor in WITHOUT_OUTCOMES][:1]:
        after_day = facts.through if alarm.monitor in WITHOUT_OUTCOMES else max(facts.through, alarm.through)
        said = f"{alarm.monitor.replace('_', ' ')} gave an alarm on {alarm.at:%Y-%m-%d}"
        found.append(_Called("alarm", said, after_day))
    return tuple(found)


def _new_outcomes(facts: Facts) -> int:
    """Return how many events have come to an outcome since the last day that was learned from or compared on."""
    judged = _last_judged(facts.history)
    seen = max(facts.through, judged[1]) if judged and judged[1] else facts.through
    return sum(events for day, events in facts.outcomes.items() if day > seen)


def _held(facts: Facts, settings: RetrainSettings, now: datetime, *, by_hand: bool) -> str:
    """Return why nothing may begin now, or an empty text."""
    compared = compared_in_year(facts.history, now)
    if sum(each.level for each in compared) + settings.level > settings.alpha + _ROUNDING:
        chance = f"the chance of {100 * settings.alpha:g} % that {YEAR_DAYS} days have"
        return f"but {counted(len(compared), 'comparison')} spent {chance}"
    if by_hand:
        return ""
    recent = [each.started_at for each in facts.history if each.started_at > now - timedelta(days=BUDGET_DAYS)]
    if len(recent) >= settings.budget:
        free = recent[-settings.budget] + timedelta(days=BUDGET_DAYS)
        begun = counted(len(recent), "retraining")
        return f"but {begun} in {BUDGET_DAYS} days are the budget; again on {free:%Y-%m-%d}"
    last = facts.history[-1].result if facts.history else None
    if last is not None and last.verdict == "failed":
        again = last.ended_at + timedelta(days=settings.cooldown_days)
        return f"but the last one failed; again on {again:%Y-%m-%d}" if now < again else ""
    return ""


def _fresh(facts: Facts, after: date) -> int:
    return sum(day > after for day in facts.days)


def _whose(facts: Facts, called: _Called) -> str:
    last = "the champion's last day" if called.after == facts.through else "the days that raised the alarm,"
    return f"after {last} {called.after}"


def _so_far(facts: Facts, settings: RetrainSettings, now: datetime) -> str:
    days = f"{max(0, (now - _since(facts)).days)} of {settings.every_days} days"
    return f"{days}, {_new_outcomes(facts):,} of {settings.outcomes:,} new outcomes, no alarm that counts"
