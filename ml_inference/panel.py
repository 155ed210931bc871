"""Asks versions of several models about the same events: bars are read once, features are computed once."""

from collections.abc import Callable
from datetime import datetime

from ml_data.bar_tape import BarTape
from ml_data.events import Event
from ml_data.store import Store
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.roster import Roster, Seat, Who
from ml_models.model_registry import ModelRegistry
from trading.domain.instrument import Instrument
from trading.domain.prediction import PredictionRow


class Panel:
    """Everybody on the roster that `who` gives, at one table: an engine a model, one tape for all of them.

    Not safe to share between threads.
    """

    def __init__(
        self,
        store: Store,
        registry: ModelRegistry,
        instrument: Instrument,
        *,
        who: Who,
        clock: Callable[[], datetime],
        settings: EngineSettings | None = None,
    ) -> None:
        self.instrument = instrument
        self._store, self._registry, self._clock, self._settings = store, registry, clock, settings
        self._who = who
        self._tape = BarTape(store, instrument)
        self._engines: dict[str, MLInferenceEngine] = {}

    def roster(self) -> Roster:
        """Return who is asked now."""
        return self._who()

    def predict(self, seat: Seat, event: Event, *, stage: str, replayed: bool) -> PredictionRow:
        """Return what the version on `seat` says of `event`; raises as `MLInferenceEngine.predict` does."""
        engine = self._engines.get(seat.model)
        if engine is None:
            engine = MLInferenceEngine(
                self._store,
                self._registry,
                self.instrument,
                model=seat.model,
                clock=self._clock,
                settings=self._settings,
                tape=self._tape,
            )
            self._engines[seat.model] = engine
        return engine.predict(event, role=seat.role, stage=stage, replayed=replayed, version=seat.version)
