"""The shape of metrics.json: figures with their intervals, beside the baselines on the same events.

Any JSON object may be published. The card, the command line and the pages understand these parts:

    {"untouched": BLOCK, "walk_forward": BLOCK, "folds": [BLOCK, ...], "calibration": TOLD, "trials": TOLD,
     "combinatorial_paths": TOLD, "selective": TOLD, "interactions": TOLD, anything else}
    BLOCK     {"first_day": ISO, "last_day": ISO, "scores": {name: ESTIMATE}, "baselines": {name: {score: ESTIMATE}},
               "best_baseline": name, "skill": {score: ESTIMATE}, "opened": how often anybody looked at these days};
               all parts but "scores" may be absent
    TOLD      {"sentences": [what a reader must know, ...], the figures behind them}
    ESTIMATE  {"value", "low", "high", "n", "n_effective", "days"}, null where a number is NaN

`skill` is model minus `best_baseline` on the same events, positive = better.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml_models.documents import DamagedVersion, Json
from ml_models.intervals import Estimate


def estimate_document(estimate: Estimate) -> dict[str, Json]:
    """Return `estimate` as JSON; NaN becomes null.

    >>> estimate_document(Estimate(0.5, math.nan, math.nan, 4, math.nan, 2))
    {'value': 0.5, 'low': None, 'high': None, 'n': 4, 'n_effective': None, 'days': 2}
    """
    return {name: None if math.isnan(value) else value for name, value in asdict(estimate).items()}


def read_estimate(document: Mapping[str, Any]) -> Estimate:
    """Return the estimate in `document`, bit for bit as it was written; null becomes NaN.

    Raises
    ------
    DamagedVersion
        when a part of it is missing.
    """
    try:
        value, low, high, n_effective = (
            math.nan if document[name] is None else float(document[name])
            for name in ("value", "low", "high", "n_effective")
        )
        return Estimate(value, low, high, int(document["n"]), n_effective, int(document["days"]))
    except KeyError as error:
        raise DamagedVersion("metrics.json", f"an estimate has no {error}") from error
