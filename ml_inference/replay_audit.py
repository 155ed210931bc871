"""The replay audit: every logged prediction, made again from the stored bars and the registry, bit for bit.

Bars that a vendor changed since are told apart from a prediction that does not recompute: the old values are kept, so
it is made again from the bars as they were.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from ml_data.journal import ANSWER_COLUMNS, answer_columns, judged_predictions, prediction
from ml_data.staleness import RevisedBar, predictions_made, stale
from ml_data.store import Store
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.logged_again import bars_that_came_since, event_name, event_of, same_bits, settings_then
from ml_inference.questions import asked_features
from ml_models.model_registry import ModelRegistry
from trading.domain.instrument import Instrument
from trading.domain.label import label_named
from trading.domain.prediction import MISSED, PredictionRow, Refusal
from trading.errors import NothingStored, Refused

BARS_DIFFER: Final = "the bars (data_hash)"


@dataclass(frozen=True)
class Mismatch:
    """A logged prediction that does not come out the same: which, what differs, and both values in words."""

    prediction_id: str
    event: str
    what: str
    logged: str
    found: str
    why: str = ""

    def __str__(self) -> str:
        because = f" ({self.why})" if self.why else ""
        return (
            f"{self.event} ({self.prediction_id[:8]}): {self.what} was logged as {self.logged}, now it is "
            f"{self.found}{because}"
        )


@dataclass(frozen=True)
class RevisedSince:
    """A logged prediction that comes out bit for bit from the bars as they were, and not from those as they are now."""

    prediction_id: str
    event: str
    bars: int
    first: RevisedBar

    def __str__(self) -> str:
        return (
            f"{self.event} ({self.prediction_id[:8]}): comes out from the bars as they were; revised since: "
            f"{self.bars:,}, first {self.first}"
        )


@dataclass(frozen=True)
class ReplayReport:
    """How many predictions were made again, which of them differ, and which differ because bars were revised since."""

    predictions: int
    mismatches: tuple[Mismatch, ...]
    revised: tuple[RevisedSince, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every prediction came out bit for bit, from the bars as they were when it was logged."""
        return not self.mismatches


def audit_replay(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    *,
    settings: EngineSettings,
    only: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReplayReport:
    """Recompute every logged prediction of `instrument`, oldest first; `progress(done, total)` after each.

    With `only` it is the prediction of that id alone.

    One that differs although its bars were revised since is made again from the bars as they were when it was logged.
    """
    every = judged_predictions(store, instrument=instrument.symbol).select(["prediction_id"]).to_pylist()
    logged = [row for row in every if only in (None, row["prediction_id"])]
    revised = {each.id: each for each in stale(store, instrument, predictions_made(store, instrument))}
    engines = _Engines(store, registry, instrument, settings)
    mismatches: list[Mismatch] = []
    explained: list[RevisedSince] = []
    for done, row in enumerate(logged, start=1):
        full = prediction(store, row["prediction_id"])
        if full is not None:
            found = _compared(engines.of(full, None), full)
            bars = revised.get(full["prediction_id"])
            if found and bars is not None:
                found = _compared(engines.of(full, full["logged_at"]), full)
                if not found:
                    explained.append(RevisedSince(bars.id, event_name(event_of(full)), bars.bars, bars.first))
            mismatches += _with_arrivals(store, instrument, full, found)
        if progress is not None:
            progress(done, len(logged))
    return ReplayReport(len(logged), tuple(mismatches), tuple(explained))


class _Engines:
    """The engines that answer again, one for each version, state of the bars, and settings of a row."""

    def __init__(self, store: Store, registry: ModelRegistry, instrument: Instrument, settings: EngineSettings) -> None:
        self._made_of = (store, registry, instrument)
        self._settings = settings
        self._engines: dict[tuple[Any, ...], MLInferenceEngine] = {}

    def of(self, logged: dict[str, Any], bars_known_at: datetime | None) -> MLInferenceEngine:
        """Return the engine of the version that answered, on the bars as they are or as they were at an instant."""
        settings = settings_then(logged, self._settings)
        key = (logged["model"], logged["version"], bars_known_at, settings)
        if key not in self._engines:
            if bars_known_at is not None:  # there may be as many instants as predictions: keep the present's only
                self._engines = {name: engine for name, engine in self._engines.items() if name[2] is None}
            self._engines[key] = MLInferenceEngine(
                *self._made_of,
                model=logged["model"],
                which=logged["version"],
                clock=lambda: logged["logged_at"],  # times the cache, which no event meets twice
                settings=settings,
                bars_known_at=bars_known_at,
            )
        return self._engines[key]


def _with_arrivals(
    store: Store, instrument: Instrument, logged: dict[str, Any], found: list[Mismatch]
) -> list[Mismatch]:
    """Return the mismatches, where bars differ with the import that brought new ones into the window since."""
    if not any(each.what == BARS_DIFFER for each in found):
        return found
    why = bars_that_came_since(store, instrument, logged)
    if why is None:
        return found
    return [replace(each, why=why) if each.what == BARS_DIFFER else each for each in found]


def _compared(engine: MLInferenceEngine, logged: dict[str, Any]) -> list[Mismatch]:
    event = event_of(logged)
    name = event_name(event)
    try:
        again = engine.predict(event)
    except (Refused, NothingStored) as refused:
        code = f"{refused.code}: " if isinstance(refused, Refused) else ""
        return [Mismatch(logged["prediction_id"], name, "the answer", "given", f"refused ({code}{refused})")]
    if (
        logged["refusal_code"] == MISSED
    ):  # whether it came on time is nothing that bars can say: only inputs are compared
        again = replace(again, answer=None, refusal=Refusal(MISSED, ""))
    pairs: list[tuple[str, Any, Any]] = [
        ("prediction_id", logged["prediction_id"], again.prediction_id),
        ("contract", logged["contract"], again.contract),
        (BARS_DIFFER, logged["data_hash"], again.data_hash),
        ("the feature definitions (schema_hash)", logged["schema_hash"], again.schema_hash),
        ("max_input_time", logged["max_input_time"], again.max_input_time),
        ("baseline_prob_up", logged["baseline_prob_up"], again.baseline_prob_up),
        ("label", label_named(logged["label"]).name, again.label),
        ("rule", logged["rule"], again.rule),
        ("baselines", logged["baselines"] or [], list(again.baselines)),
        ("refusal_code", logged["refusal_code"], again.refusal.code if again.refusal else None),
        *_feature_pairs(engine, logged["features"], again),
        *_answer_pairs(logged, again),
    ]
    return [
        Mismatch(logged["prediction_id"], name, what, repr(a), repr(b)) for what, a, b in pairs if not same_bits(a, b)
    ]


def _feature_pairs(engine: MLInferenceEngine, logged: list[float], again: PredictionRow) -> list[tuple[str, Any, Any]]:
    names = asked_features(engine.version())
    if not len(logged) == len(again.features) == len(names):
        return [("the number of features", len(logged), len(again.features))]
    return [(f"feature {name}", a, b) for name, a, b in zip(names, logged, again.features, strict=True)]


def _answer_pairs(logged: dict[str, Any], again: PredictionRow) -> list[tuple[str, Any, Any]]:
    found = answer_columns(again)
    return [(column, logged[column], found[column]) for column in ANSWER_COLUMNS]
