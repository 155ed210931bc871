"""The replay audit: every logged prediction, made again from the stored bars and the registry, bit for bit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ml_data.events import Event
from ml_data.journal import judged_predictions, points_in_order, prediction
from ml_data.store import Store
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import DOWN, NONE, UP, MLInferenceEngine
from ml_inference.questions import asked_features
from ml_models.model_registry import ModelRegistry
from trading.domain.instrument import Instrument
from trading.domain.prediction import Answer, PredictionRow
from trading.errors import NothingStored, Refused

LABELS = (UP, DOWN, NONE)


@dataclass(frozen=True)
class Mismatch:
    """A logged prediction that does not come out the same: which, what differs, and both values in words."""

    prediction_id: str
    event: str
    what: str
    logged: str
    found: str

    def __str__(self) -> str:
        return (
            f"{self.event} ({self.prediction_id[:8]}): {self.what} was logged as {self.logged}, now it is {self.found}"
        )


@dataclass(frozen=True)
class ReplayReport:
    """How many predictions were made again, and which of them differ."""

    predictions: int
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether every prediction came out bit for bit."""
        return not self.mismatches


def audit_replay(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    *,
    settings: EngineSettings,
    progress: Callable[[int, int], None] | None = None,
) -> ReplayReport:
    """Recompute every logged prediction of `instrument`, oldest first; `progress(done, total)` after each."""
    logged = judged_predictions(store, instrument=instrument.symbol).select(["prediction_id"]).to_pylist()
    engines: dict[tuple[str, str], MLInferenceEngine] = {}
    mismatches: list[Mismatch] = []
    for done, row in enumerate(logged, start=1):
        full = prediction(store, row["prediction_id"])
        if full is not None:
            key = (full["model"], full["version"])
            if key not in engines:
                engines[key] = MLInferenceEngine(
                    store,
                    registry,
                    instrument,
                    model=full["model"],
                    which=full["version"],
                    clock=lambda: full["logged_at"],  # noqa: B023 - times the cache, which no event meets twice
                    settings=settings,
                )
            mismatches += _compared(engines[key], full)
        if progress is not None:
            progress(done, len(logged))
    return ReplayReport(len(logged), tuple(mismatches))


def _compared(engine: MLInferenceEngine, logged: dict[str, Any]) -> list[Mismatch]:
    event = Event(logged["decided_at"], logged["instrument"], logged["kind"], logged["trading_day"], logged["orb"])
    name = f"{event.instrument} {event.trading_day} {event.orb}"
    try:
        again = engine.predict(event)
    except (Refused, NothingStored) as refused:
        code = f"{refused.code}: " if isinstance(refused, Refused) else ""
        return [Mismatch(logged["prediction_id"], name, "the answer", "given", f"refused ({code}{refused})")]
    pairs: list[tuple[str, Any, Any]] = [
        ("prediction_id", logged["prediction_id"], again.prediction_id),
        ("contract", logged["contract"], again.contract),
        ("the bars (data_hash)", logged["data_hash"], again.data_hash),
        ("the feature definitions (schema_hash)", logged["schema_hash"], again.schema_hash),
        ("max_input_time", logged["max_input_time"], again.max_input_time),
        ("baseline_prob_up", logged["baseline_prob_up"], again.baseline_prob_up),
        ("refusal_code", logged["refusal_code"], again.refusal.code if again.refusal else None),
        *_feature_pairs(engine, logged["features"], again),
        *_answer_pairs(logged, again.answer),
    ]
    return [Mismatch(logged["prediction_id"], name, what, repr(a), repr(b)) for what, a, b in pairs if not _equal(a, b)]


def _feature_pairs(engine: MLInferenceEngine, logged: list[float], again: PredictionRow) -> list[tuple[str, Any, Any]]:
    names = asked_features(engine.version())
    if not len(logged) == len(again.features) == len(names):
        return [("the number of features", len(logged), len(again.features))]
    return [(f"feature {name}", a, b) for name, a, b in zip(names, logged, again.features, strict=True)]


def _answer_pairs(logged: dict[str, Any], again: Answer | None) -> list[tuple[str, Any, Any]]:
    found = {} if again is None else again.probabilities
    pairs = [(f"prob_{label.lower()}", logged[f"prob_{label.lower()}"], found.get(label)) for label in LABELS]
    return [
        *pairs,
        ("confidence", logged["confidence"], None if again is None else again.confidence),
        ("raw_score", logged["raw_score"], None if again is None else list(again.raw_score)),
        ("base_prob_up", logged["base_prob_up"], None if again is None else again.base_up),
        ("reasons", logged["reasons"], None if again is None else points_in_order(again)),
    ]


def _equal(left: Any, right: Any) -> bool:
    """Return whether two values are the same bit for bit; one missing number is as good as another."""
    if isinstance(left, float) and isinstance(right, float):
        return left.hex() == right.hex()
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)
