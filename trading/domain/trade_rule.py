"""How a break is traded: stop, target, expiry. The 28 rules every opening range is measured by."""

from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

from trading.errors import BadSettings

Stop = Literal["full", "half"]
Window = Literal["day", "session"]


@dataclass(frozen=True)
class TradeRule:
    """A way to trade the break of an opening range.

    `stop`: `full` is the opposite edge, `half` the midpoint of the range. `reward` is the target's distance from the
    entry in R. `window`: `day` runs to the end of the trading day, `session` to the range's own session end.
    """

    stop: Stop
    reward: float
    window: Window

    @property
    def name(self) -> str:
        """The rule's name, `{stop}-rr{reward}-{window}`.

        >>> TradeRule("half", 1.5, "session").name
        'half-rr1.5-session'
        """
        return f"{self.stop}-rr{self.reward:g}-{self.window}"


STOPS: Final[tuple[Stop, ...]] = ("full", "half")
REWARDS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
WINDOWS: Final[tuple[Window, ...]] = ("day", "session")

TRADE_RULES: Final = tuple(TradeRule(stop, reward, window) for stop, reward, window in product(STOPS, REWARDS, WINDOWS))
"""All rules, in the order in which the compiled pass writes them: stop, then reward, then window."""

REFERENCE_RULE: Final = TradeRule("full", 1.0, "day")
"""The plain rule by which the worth of advice is measured and earlier results of the day are told."""


def rule_named(name: str) -> TradeRule:
    """Return the trade rule called `name`, or raise `BadSettings` with the names that there are."""
    for rule in TRADE_RULES:
        if rule.name == name:
            return rule
    raise BadSettings(f"{name!r} is not a trade rule. There are {', '.join(rule.name for rule in TRADE_RULES)}.")
