"""Where a model of classes begins: at what a walk without drift says of the event, so that it learns corrections only.

Small trees can only come near to a formula, so a model that must find the walk by itself is worse than its own
baseline. One that starts from the walk's log-odds equals the baseline where there is nothing to be learned.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Self

import numpy as np

from ml_models.baselines import martingale_probs
from ml_models.documents import DamagedVersion, Fields, Json
from ml_models.scores import FloatArray
from trading.domain.label import Label, label_named
from trading.domain.trade_rule import TradeRule, rule_named
from trading.domain.walks import chance_inputs, walk_chances

_SUREST: Final = 1e-9
"""No start is surer than this, also where an input is not what it can be (a probability of 1)."""


@dataclass(frozen=True)
class WalkStart:
    """The raw scores that a model of `class_count` classes begins with, made from its own inputs `names`.

    `label` and `rule` name the question, and so the walk (`trading.domain.walks`). `p_none` is how often NONE happened
    in training, of a model that answers it. `typical` are the medians, in training, of the inputs that the walk reads:
    what they say is nobody's merit, and the distance from it is theirs. Raw scores are `slope` times those of the walk
    plus `intercept` (margins,): 1 and nothing unless training rejected that the walk's scores mean what they say.
    """

    label: str
    rule: str | None
    names: tuple[str, ...]
    class_count: int
    p_none: float
    typical: tuple[float, ...]
    slope: float = 1.0
    intercept: tuple[float, ...] = ()

    @classmethod
    def learned(
        cls, label: Label, rule: TradeRule | None, names: Sequence[str], class_count: int, x: FloatArray, p_none: float
    ) -> Self:
        """Return the start of a model of `label` that learns from rows `x` (n, F), of which NONE are `p_none`."""
        read = [list(names).index(name) for name in chance_inputs(label, rule)]
        typical = tuple(float(np.median(column[np.isfinite(column)])) for column in x[:, read].T)
        return cls(label.name, None if rule is None else rule.name, tuple(names), class_count, p_none, typical)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that the walk reads."""
        return chance_inputs(label_named(self.label), self._rule)

    @property
    def _rule(self) -> TradeRule | None:
        return None if self.rule is None else rule_named(self.rule)

    def scores(self, rows: FloatArray) -> FloatArray:
        """Return (n, 1) log-odds of the second of two classes, (n, K) log-probabilities of more, for `rows` (n, F).

        A row without what the walk reads starts from even odds. Each row depends on itself alone, bit for bit.
        """
        return self._scores_of(rows[:, [self.names.index(name) for name in self.inputs]])

    def contributions(self, rows: FloatArray) -> FloatArray:
        """Return (n, margins, F + 1): what each input adds to the start, and last what the typical inputs say.

        Shapley values (1953) over the inputs that the walk reads, against the typical ones: the mean of what an input
        adds over all orders in which they could be looked at. They sum to `scores` up to rounding.
        """
        read = [self.names.index(name) for name in self.inputs]
        players = range(len(read))
        coalitions = [seen for size in range(len(read) + 1) for seen in combinations(players, size)]
        is_seen = np.array([[player in seen for player in players] for seen in coalitions])
        asked = np.where(is_seen[:, None, :], rows[:, read], np.array(self.typical))
        said = dict(
            zip(coalitions, np.split(self._scores_of(asked.reshape(-1, len(read))), len(coalitions)), strict=True)
        )
        nothing = said[()]
        added = np.zeros((*nothing.shape, len(self.names) + 1))
        for player in players:
            for seen in (each for each in said if player not in each):
                orders = math.factorial(len(seen)) * math.factorial(len(read) - len(seen) - 1)
                joined = said[tuple(sorted((*seen, player)))]
                added[:, :, read[player]] += (joined - said[seen]) * (orders / math.factorial(len(read)))
        added[:, :, -1] = nothing
        return added

    def _scores_of(self, found: FloatArray) -> FloatArray:
        walk = np.clip(walk_chances(label_named(self.label), self._rule, self.inputs, found), _SUREST, 1 - _SUREST)
        logs = np.log(np.ascontiguousarray(martingale_probs(walk, self.class_count, self.p_none)))
        scores = logs[:, 1:] - logs[:, :1] if self.class_count == 2 else logs
        return self.slope * scores + np.array(self.intercept) if self.intercept else scores

    def document(self) -> dict[str, Json]:
        """Return the start as a part of schema.json, which says the rest."""
        typical: dict[str, Json] = dict(zip(self.inputs, self.typical, strict=True))
        return {
            "from": "walk",
            "walk": label_named(self.label).walk,
            "typical_inputs": typical,
            "p_none": self.p_none,
            "slope": self.slope,
            "intercept": [list(self.intercept)],
        }

    @classmethod
    def read(cls, part: Mapping[str, Any], label: str, rule: str | None, names: Sequence[str], classes: int) -> Self:
        """Return the start in a part of schema.json, or raise `DamagedVersion`."""
        fields = Fields("schema.json", dict(part))
        typical, p_none, slope = fields.mapping("typical_inputs"), fields.number("p_none"), fields.number("slope")
        (row, *_) = (*fields.numbers("intercept"), [])
        intercept = tuple(number for number in row if number is not None)
        read = chance_inputs(label_named(label), None if rule is None else rule_named(rule))
        fits = fields.text("from") == "walk" and set(read) == set(typical) <= set(names)
        fits &= len(intercept) in (0, 1 if classes == 2 else classes)
        if not fits or not 0 <= p_none < 1 or classes < 2 or (p_none > 0) != (classes > 2):
            raise DamagedVersion("schema.json", f"starts from {str(dict(part))[:120]}, which is not a walk of {label}")
        means = tuple(float(typical[name]) for name in read)
        return cls(label, rule, tuple(names), classes, p_none, means, slope, intercept)
