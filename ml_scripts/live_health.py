"""What the state file of the process that follows feeds says, in sentences: whether it lives, and what it needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from ml_inference.live_state import Following, JobState, LiveState, Trouble
from ml_inference.troubles import lasts

SILENT: Final = timedelta(seconds=60)
"""A process that lives writes its state every ten seconds."""


State = Literal["good", "look", "bad"]


@dataclass(frozen=True)
class Health:
    """One thing about the process: good, to be looked at, or bad."""

    state: State
    what: str
    sentence: str


def health_of(state: LiveState | None, at: datetime) -> tuple[Health, ...]:
    """Return what is known at `at` of the process that last followed feeds; nothing where none ever did."""
    return () if state is None else tuple(_lines(state, at))


def _lines(state: LiveState, at: datetime) -> Iterator[Health]:
    since = f"process {state.process}, since {_at(state.started_at)}"
    if state.ended_at is not None:
        yield Health("look", "live", f"nothing is followed: {since}, ended in good order at {_at(state.ended_at)}.")
    elif at - state.alive_at > SILENT:
        yield Health(
            "bad",
            "live",
            f"not alive since {_at(state.alive_at)} ({since}): it was killed, or the machine slept. Moments since then "
            f"are missed. Start it again: hub shadow, or the service.",
        )
    elif state.alive_at - at > SILENT:
        yield Health("bad", "live", f"{since} wrote at {_at(state.alive_at)}, which is to come: is this clock right?")
    else:
        held = "" if state.memory_bytes is None else f", {state.memory_bytes / 1e6:.0f} MB"
        yield Health("good", "live", f"alive ({since}{held})")
    for symbol, each in state.follows.items():
        ended = state.ended_at is not None or at - state.alive_at > SILENT
        amiss = [one for one in state.troubles.values() if one.instrument == symbol and lasts(one) and not ended]
        yield _of_feed(symbol, each, at, amiss, ended=ended)
    for name, job in state.jobs.items():
        yield _of_job(name, job)


def _of_feed(symbol: str, each: Following, at: datetime, amiss: Sequence[Trouble], *, ended: bool) -> Health:
    """Return how a feed is: `amiss` is what goes on with it, such as that it is silent while the market trades."""
    words = [f"{each.feed} was followed until then" if ended else f"{each.feed} is {each.state}"]
    if each.newest_bar is not None:
        words.append(f"newest bar {_at(each.newest_bar)}, {_age(at - each.newest_bar)} ago")
    words += [f"{one.kind} since {_at(one.last_at)}: {one.sentence.rstrip('.')}" for one in amiss]
    if each.last_forecast is not None:
        words.append(f"last forecast {_at(each.last_forecast.at)}: {each.last_forecast.sentence.rstrip('.')}")
    if each.last_error is not None:
        words.append(f"last error {_at(each.last_error.at)}: {each.last_error.sentence.rstrip('.')}")
    if each.next_event is not None and each.state == "following" and not ended:
        words.append(f"next range complete at {_at(each.next_event)}")
    found: State = "bad" if each.state == "waiting" else "look" if amiss or ended else "good"
    return Health(found, f"live {symbol}", "; ".join(words) + ".")


def _of_job(name: str, job: JobState) -> Health:
    if job.began_at is None:
        return Health("good", f"job {name}", f"not due since it is on the schedule ({_at(job.dealt)}).")
    if job.ended_at is None:
        return Health("good", f"job {name}", f"begun at {_at(job.began_at)}, at work or broken off.")
    took = _age(job.ended_at - job.began_at)
    done = f"due {_at(job.dealt)}, done at {_at(job.ended_at)} in {took}"
    if job.exit_code in (0, None):
        return Health("good", f"job {name}", f"{done}.")
    return Health("look", f"job {name}", f"{done}; left with {job.exit_code}: live.log has what it said.")


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%MZ}"


def _age(span: timedelta) -> str:
    """Return a span in words.

    >>> _age(timedelta(seconds=5)), _age(timedelta(minutes=90)), _age(timedelta(days=3))
    ('5 s', '90 min', '72 h')
    """
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 2 * 3600 * 24 else f"{seconds // 3600} h"
