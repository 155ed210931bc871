"""What a choice of logged rows came to: how they divide, skill beside the baseline, net R beside the plain rule."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.actions import DEEDS, FOLLOWED, IGNORED
from ml_models.baselines import best_baseline
from ml_models.intervals import Estimate, mean_interval
from ml_models.score_table import skill
from ml_models.scores import hits
from ml_models.value_scores import Forecast, best_value_baseline, value_skills
from ml_models.verdicts import Verdict, describe_skill
from ml_monitoring.judged import Judged, judged_of
from ml_monitoring.performance_monitor import Worth, worth
from trading.domain.label import Label

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ModelSummary:
    """What the answered and matured rows of one model came to.

    `rows` of them are of `events` events: several versions may have answered one. `right` were called right, and
    `walk_right` by the walk without drift alone (0 and 0 of numbers). `skill` is over `baseline`, the better one of
    those that never learned, in nats (of numbers: squared error) an event; `worth` is None without any trade.
    """

    model: str
    label: Label
    rows: int
    events: int
    right: int
    walk_right: int
    baseline: str
    skill: Estimate
    verdict: Verdict
    worth: Worth | None


@dataclass(frozen=True)
class Deed:
    """What came of the forecasts that the trader noted as followed, ignored or gone against, before the outcome.

    `noted` of them have `traded` trades with a result; the estimates are net R a trade. `own` is what the deed stands
    for: followed, the rule with the advice; ignored, the plain rule; opposite, what the advice left of the plain rule.
    `plain` and `advised` are those of the same trades, `gained` is own less advised.
    """

    action: str
    noted: int
    own: Estimate
    plain: Estimate
    advised: Estimate
    gained: Estimate


@dataclass(frozen=True)
class LogSummary:
    """How `rows` rows divide by `results`, the days they lie on, and what they came to.

    `models` is empty where the rows were chosen by what came of them: no score of such rows says anything. `late`
    counts rows with a note made after the outcome; those notes are in no figure.
    """

    rows: int
    results: dict[str, int]
    replayed: int
    first: date | None
    last: date | None
    days: int
    models: tuple[ModelSummary, ...]
    deeds: tuple[Deed, ...]
    late: int


def log_summary(rows: pa.Table, *, knows_outcomes: bool = False) -> LogSummary:
    """Return what rows of `ml_data.journal_log.log_rows`, oldest first, came to.

    `knows_outcomes` says that they were chosen by what came of them.
    """
    days = rows["trading_day"]
    counted = pc.value_counts(rows["result"]).to_pylist()
    scored = rows.slice(0, 0) if knows_outcomes else rows
    names = sorted(set(scored["model"].to_pylist()))
    models = [_of_model(name, scored.filter(pc.equal(scored["model"], name))) for name in names]
    deeds = [_deed(action, scored) for action in DEEDS]
    return LogSummary(
        rows=rows.num_rows,
        results={each["values"]: each["counts"] for each in counted},
        replayed=int(pc.sum(pc.fill_null(rows["replayed"], False)).as_py() or 0),
        first=pc.min(days).as_py(),
        last=pc.max(days).as_py(),
        days=len(days.unique()),
        models=tuple(each for each in models if each is not None),
        deeds=tuple(each for each in deeds if each is not None),
        late=rows.num_rows - rows["did_late"].null_count,
    )


def _of_model(name: str, rows: pa.Table) -> ModelSummary | None:
    judged = judged_of(rows)
    if len(judged) == 0:
        return None
    baseline, gained, score = _skill(judged)
    events = len(set(zip(judged.days.tolist(), judged.orb.tolist(), strict=True)))
    return ModelSummary(
        model=name,
        label=judged.label,
        rows=len(judged),
        events=events,
        right=_hits(judged, judged.probs),
        walk_right=_hits(judged, judged.baselines.get(judged.label.walk, judged.probs)),
        baseline=baseline,
        skill=gained,
        verdict=describe_skill(gained, score, baseline),
        worth=worth(judged),
    )


def _hits(judged: Judged, probs: Floats) -> int:
    return int(hits(judged.actual, probs).sum()) if judged.classes else 0


def _skill(judged: Judged) -> tuple[str, Estimate, str]:
    """Return the better baseline, the skill over it, and the score it is of: of numbers, of the first target."""
    if judged.numbers is None:
        baseline = best_baseline(judged.actual, judged.baselines)
        return baseline, skill(judged.actual, judged.probs, judged.baselines[baseline], judged.days), "log_loss"
    actual = judged.numbers.actual[:, 0]
    points = {name: each[:, 0] for name, each in judged.numbers.baselines.items()}
    baseline = best_value_baseline(actual, points)
    gained = value_skills(actual, judged.numbers.forecast(0), Forecast(points[baseline]), judged.days)
    score = next(iter(gained))
    return baseline, gained[score], score


def _deed(action: str, rows: pa.Table) -> Deed | None:
    noted = rows.filter(pc.fill_null(pc.equal(rows["did"], action), False))
    if noted.num_rows == 0:
        return None
    traded = noted.filter(pc.and_(pc.is_valid(noted["r_net"]), pc.is_valid(noted["r_net_advised"])))
    plain, advised = (traded[name].to_numpy() for name in ("r_net", "r_net_advised"))
    own = advised if action == FOLLOWED else plain if action == IGNORED else plain - advised
    days = traded["trading_day"].to_numpy().astype("datetime64[D]")
    own_r, plain_r, advised_r, gained = (
        mean_interval(np.asarray(values, dtype=np.float64), days) for values in (own, plain, advised, own - advised)
    )
    return Deed(action, noted.num_rows, own_r, plain_r, advised_r, gained)
