"""What is amiss, as the notices of a live loop tell it: one entry a kind, until another notice says that it is over."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ml_data.feeds.base import Notice
from ml_inference.live_state import Trouble

LASTING: Final[Mapping[str, tuple[str, ...]]] = {
    "store_back": ("store",),
    "heard": ("silent",),
    "reconnected": ("disconnected",),
    "readable": ("unreadable", "missing", "locked"),
    "started": ("failed",),
}
"""Kinds that go on until a notice of the kind named first."""

PASSING: Final = (
    "clock",
    "woke",
    "late",
    "hole",
    "rejected",
    "refused",
    "future",
    "replaced",
    "no_answer",
    "job_failed",
)
"""Kinds that are over when they are told."""

USUAL: Final = ("repeated", "revised")
"""What many feeds do every minute: counted, and no cause to look."""

SHOWN: Final = timedelta(hours=1)
"""How long what has passed is of now."""

_ENDED: Final = tuple(kind for kinds in LASTING.values() for kind in kinds)
_FILE_BACK: Final = " can be read again."


def noted(troubles: Mapping[str, Trouble], notice: Notice, instrument: str, at: datetime) -> Mapping[str, Trouble]:
    """Return the troubles after a notice about an instrument ("" for the process)."""
    if notice.kind in LASTING:
        about = notice.sentence.removesuffix(_FILE_BACK) if notice.kind == "readable" else ""
        over = {
            key: replace(each, over_at=at)
            for key, each in troubles.items()
            if each.instrument == instrument and each.kind in LASTING[notice.kind] and about in each.sentence
            if each.over_at is None
        }
        return {**troubles, **over}
    if notice.kind not in (*_ENDED, *PASSING, *USUAL):
        return troubles
    key = f"{instrument} {notice.kind}".strip()
    known = troubles.get(key)
    found = Trouble(instrument, notice.kind, notice.sentence, at if known is None else known.first_at, at)
    return {**troubles, key: replace(found, times=1 if known is None else known.times + 1)}


def of_the_next_process(troubles: Mapping[str, Trouble], at: datetime) -> Mapping[str, Trouble]:
    """Return the troubles of the process before: what still lasts is told anew."""
    return {key: replace(each, over_at=at) if lasts(each) else each for key, each in troubles.items()}


def lasts(trouble: Trouble) -> bool:
    """Return whether a trouble goes on."""
    return trouble.kind in _ENDED and trouble.over_at is None


def of_now(troubles: Mapping[str, Trouble], at: datetime) -> tuple[Trouble, ...]:
    """Return what goes on at `at`, and what passed within the hour before, the newest first."""
    found = [each for each in troubles.values() if lasts(each) or (each.kind in PASSING and at - each.last_at <= SHOWN)]
    return tuple(sorted(found, key=lambda each: each.last_at, reverse=True))
