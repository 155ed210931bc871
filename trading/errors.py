"""The errors a person can cause or meet. Each says what was expected, what was found, and what to try.

The command line prints `str(error)` as one sentence and leaves with `exit_code`; nothing prints a trace.
"""


class HubError(Exception):
    """Wrong usage or bad input: nothing stored was changed."""

    exit_code = 2


class CheckFailed(HubError):
    """A check ran and said no (an audit, a verification, a gate)."""

    exit_code = 1


class LawOfTimeBroken(CheckFailed):
    """Something was computed with knowledge of its future."""


class BadBars(HubError):
    """A file of bars that cannot be used as it is."""


class BadSettings(HubError):
    """A settings or instrument file that cannot be used as it is."""


class StoreError(HubError):
    """The store cannot be opened, read or written."""


class StoreBusy(StoreError):
    """Another process held the store for longer than the caller would wait."""


class NothingStored(HubError):
    """The store holds nothing that answers the question; the message names the command that fills it."""


class RegistryError(HubError):
    """A model version, pointer or file of the registry is missing, damaged or referenced."""


class Refused(HubError):
    """The engine will not answer: `code` says why in one word.

    Codes: `no_model`, `no_range`, `no_break`, `too_late` (the rule trades no more), `stale_bars`, `missing_inputs`,
    `schema_mismatch`, `expired_model`, `damaged_model`, `missed` (its bars were there too late for a live answer),
    `in_sample` (the model was trained on this event or a later one).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotAllowed(HubError):
    """Who asks may not do that here: their role does not reach, or they are not logged in."""
