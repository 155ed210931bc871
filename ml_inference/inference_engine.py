"""The engine: what a model version says of an event, with reasons, or why it will not say anything.

It answers with the features of `ml_data.feature_matrix` and a version of the registry, and with nothing else: a missing
input, an old bar, another schema or an expired model is a refusal with a code, never a guess.
"""

import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from ml_data.bar_tape import BarTape
from ml_data.event_view import EventView
from ml_data.events import Event
from ml_data.features.base import Floats
from ml_data.history_tables import definitions_hash
from ml_data.store import Store
from ml_inference.answers import AdviceRule, answer_of
from ml_inference.engine_settings import EngineSettings
from ml_inference.questions import asked_features, asked_schema_hash, check_missing, named_row
from ml_models.documents import DamagedVersion
from ml_models.loaded_version import LoadedVersion
from ml_models.model_registry import ModelRegistry
from trading.domain.calendar import to_minute
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_DIRECTION, ORB_COMPLETE, EventKind
from trading.domain.prediction import Answer, PredictionRow, Reason, Refusal
from trading.domain.trade_rule import rule_named
from trading.domain.walks import MARTINGALE, walk_columns
from trading.errors import Refused, RegistryError

SCHEMA_HASH: Final = "feature_schema_hash"
"""Where a version's metadata keep the hash of the feature definitions that it was trained on."""
UP, DOWN, NONE = "UP", "DOWN", "NONE"
_ANSWERS_KEPT: Final = 32


class MLInferenceEngine:
    """Answers events with one version of a model of one instrument.

    `which` is a version, an alias or `latest`; it is resolved on every call, so a promotion shows at once. `clock`
    returns the present instant (UTC, aware); it times the cache and nothing else. With `bars_known_at` bars have the
    values that they had at that instant. Engines that are given one `tape` read bars and compute features once between
    them. Not safe to share between threads.
    """

    def __init__(
        self,
        store: Store,
        registry: ModelRegistry,
        instrument: Instrument,
        *,
        model: str,
        clock: Callable[[], datetime],
        which: str = "latest",
        settings: EngineSettings | None = None,
        bars_known_at: datetime | None = None,
        tape: BarTape | None = None,
    ) -> None:
        self.instrument, self.model, self.which = instrument, model, which
        self.settings = settings or EngineSettings()
        self._store, self._registry, self._clock = store, registry, clock
        self._definitions = definitions_hash(instrument)
        self._tape = tape or BarTape(store, instrument, bars_known_at)
        self._cache: dict[tuple[object, ...], tuple[datetime, PredictionRow]] = {}

    def version(self) -> LoadedVersion:
        """Return the version that answers now.

        Raises
        ------
        Refused
            `no_model` when nothing is published or `which` names nothing, `damaged_model` when what it names cannot
            be trusted.
        """
        if self.model not in self._registry.models():
            raise Refused(
                "no_model",
                f"{self.model}: nothing is published yet. Train a version: "
                f"hub train {self.model.split('-')[0]} --instrument {self.instrument.symbol}",
            )
        try:
            return self._registry.load(self.model, self.which)
        except DamagedVersion as error:
            raise Refused("damaged_model", str(error)) from error
        except RegistryError as error:
            raise Refused("no_model", str(error)) from error

    def predict(
        self,
        event: Event,
        *,
        role: str = "champion",
        stage: str = "shadow",
        replayed: bool = False,
        version: LoadedVersion | None = None,
    ) -> PredictionRow:
        """Return what the version says of `event`, or its refusal, as a row that the journal can take.

        `version` is one of the model's that was loaded before; without it the one that `which` names now. The same
        event, version and stored bars give the same row; within `cache_seconds` the very same object.

        Raises
        ------
        Refused
            `no_model`, `damaged_model`, `no_range` or `no_break`: without a version, a range or its break there is
            nobody to ask or nothing to ask about, so there is no row either.
        NothingStored
            when history is not built for the days that the event looks back to.
        """
        version = version or self.version()
        kind = version.schema.asked.event
        if (event.instrument, event.kind) != (self.instrument.symbol, kind):
            raise ValueError(f"an engine for {kind} of {self.instrument.symbol} was asked about {event.key}")
        key = (event.key, version.version_hash, self._store.stamp("market"), role, stage, replayed)
        now = self._clock()
        cached = self._cache.get(key)
        if cached is not None and now - cached[0] < timedelta(seconds=self.settings.cache_seconds):
            return cached[1]
        row = self._row(event, version, role, stage, replayed)
        self._cache.pop(key, None)
        while len(self._cache) >= _ANSWERS_KEPT:  # a replay makes hundreds within the seconds that an answer is kept
            del self._cache[next(iter(self._cache))]
        self._cache[key] = (now, row)
        return row

    def view(self, trading_day: date, orb: str, decided_at: datetime, kind: EventKind = ORB_COMPLETE) -> EventView:
        """Return the features of an event from the bars stored before `decided_at`."""
        return self._tape.view(trading_day, orb, to_minute(decided_at), kind)

    def predict_directional_bias(self, features: Mapping[str, float]) -> dict[str, Any]:
        """Return `prob_up`, `prob_down`, `prob_none`, `confidence`, `bias`, `version` for named features.

        `features` holds every input of the model by name (see `hub models card`), NaN where its rule says missing.
        `prob_none` is 0 of a model that answers UP or DOWN only: its probabilities are of a range that breaks.

        Raises
        ------
        Refused
            when a name is missing or unknown (`schema_mismatch`), or an input is missing that must not be
            (`missing_inputs`), or the model answers another question (`schema_mismatch`).
        """
        version = self._directional()
        answer = self.answer(version, named_row(version, features))
        return {
            "prob_up": answer.probabilities.get(UP, 0.0),
            "prob_down": answer.probabilities.get(DOWN, 0.0),
            "prob_none": answer.probabilities.get(NONE, 0.0),
            "confidence": answer.confidence,
            "bias": answer.advice,
            "model": self.model,
            "version": str(version.version),
        }

    def generate_trade_recommendation(self, features: Mapping[str, float]) -> dict[str, Any]:
        """Return `confidence_level`, `risk_adjustment`, `bias`, `reasoning` and the baseline for named features.

        `risk_adjustment` is 1.0: a model in shadow moves no risk. `reasoning` is the four largest reasons in words,
        after a sentence that sets the model beside the martingale. Raises as `predict_directional_bias` does.
        """
        version = self._directional()
        answer = self.answer(version, named_row(version, features))
        baseline = float(features.get(MARTINGALE, np.nan))
        beside = "is not known" if np.isnan(baseline) else f"says {baseline:.1%}"
        lines = [
            f"The model says {answer.probabilities[UP]:.1%} up; a walk without drift from where the range closed "
            f"{beside}.",
            *(
                f"{reason.feature} {_in_words(reason)}: {reason.points * 100:+.1f} points"
                for reason in answer.reasons[:4]
            ),
        ]
        return {
            "confidence_level": self.confidence_level(answer.confidence),
            "risk_adjustment": 1.0,
            "bias": answer.advice,
            "confidence": answer.confidence,
            "baseline_prob_up": None if np.isnan(baseline) else baseline,
            "reasoning": lines,
            "model": self.model,
            "version": str(version.version),
        }

    def confidence_level(self, confidence: float | None) -> str:
        """Return `high`, `medium` or `low` for the probability of the likeliest class."""
        if confidence is not None and confidence >= self.settings.high_confidence:
            return "high"
        sure = confidence is not None and confidence >= self.settings.confidence_threshold
        return "medium" if sure else "low"

    def answer(self, version: LoadedVersion, row: Floats) -> Answer:
        """Return what `version` says of one row (1, F) of features in its order, with every reason."""
        slippage = self.instrument.costs.slippage_ticks
        schema = version.schema
        rule = None if schema.rule is None else rule_named(schema.rule)
        walk = walk_columns(schema.asked, rule, slippage, schema.names, row) if schema.outputs else row[:, :0]
        return answer_of(version, row, walk, AdviceRule(self.settings.confidence_threshold, slippage))

    def said_of(self, version: LoadedVersion, view: EventView) -> Answer | Refusal:
        """Return what `version` says of an event that looks like `view`, by this engine's settings."""
        try:
            self._check(version, view, asked_features(version))
            row = _row_of(version, view)
            check_missing(version, row)
            return self.answer(version, row[None, :])
        except Refused as refused:
            return Refusal(refused.code, str(refused))

    def _row(self, event: Event, version: LoadedVersion, role: str, stage: str, replayed: bool) -> PredictionRow:
        started = time.perf_counter()
        schema = version.schema
        label, rule = schema.asked, None if schema.rule is None else rule_named(schema.rule)
        view = self.view(event.trading_day, event.orb, event.decided_at, label.event)
        walk = walk_columns(label, rule, self.instrument.costs.slippage_ticks, view.names, view.features[None, :])[0]
        row = _row_of(version, view)
        said = self.said_of(version, view)
        return PredictionRow(
            prediction_id=event.prediction_id(version.version_hash),
            instrument=event.instrument,
            kind=label.event,
            trading_day=event.trading_day.isoformat(),
            orb=event.orb,
            decided_at=event.decided_at,
            contract=view.contract,
            model=self.model,
            version=str(version.version),
            version_hash=version.version_hash,
            role=role,
            stage=stage,
            replayed=replayed,
            features=tuple(row.tolist()),
            schema_hash=asked_schema_hash(version),
            max_input_time=view.newest_input,
            data_hash=view.data_hash,
            baseline_prob_up=float(walk[0]) if label == BREAK_DIRECTION else None,
            answer=said if isinstance(said, Answer) else None,
            refusal=said if isinstance(said, Refusal) else None,
            latency_ms=(time.perf_counter() - started) * 1e3,
            label=label.name,
            rule=schema.rule,
            baselines=() if label == BREAK_DIRECTION else tuple(walk.tolist()),
            confidence_threshold=self.settings.confidence_threshold,
            stale_minutes=self.settings.stale_minutes,
            slippage_ticks=self.instrument.costs.slippage_ticks,
            definitions_hash=self._definitions,
        )

    def _directional(self) -> LoadedVersion:
        version = self.version()
        if version.schema.asked != BREAK_DIRECTION:
            raise Refused("schema_mismatch", f"{self.model} answers {version.schema.label}, not a direction.")
        return version

    def _check(self, version: LoadedVersion, view: EventView, asked: tuple[str, ...]) -> None:
        """Raise `Refused` when the version must not answer this event."""
        event, metadata = view.event, version.metadata
        seen_through = max((days.last_day for days in metadata.ranges), default=None)
        if seen_through is None or event.trading_day <= seen_through:
            raise Refused(
                "in_sample",
                f"{version.version} was trained on days up to {seen_through or 'an unknown one'}; it may not be asked "
                f"about {event.trading_day}, whose outcome it has seen.",
            )
        if metadata.expires_on is not None and event.trading_day > metadata.expires_on:
            raise Refused("expired_model", metadata.expired_sentence(version.version))
        if event.decided_at - view.last_bar > timedelta(minutes=self.settings.stale_minutes):
            raise Refused(
                "stale_bars",
                f"The newest bar of {view.contract} closed at {view.last_bar:%Y-%m-%d %H:%MZ}, more than "
                f"{self.settings.stale_minutes} minutes before {event.decided_at:%H:%MZ}.",
            )
        if version.schema.rule is not None and rule_named(version.schema.rule).window == "session":
            left = float(view.features[view.names.index("session_left")])
            if left < 0:
                raise Refused(
                    "too_late", f"{event.orb} broke after its session had ended; {version.schema.rule} trades no more."
                )
        version.check_schema(asked)
        stated = metadata.extra.get(SCHEMA_HASH)
        if stated is not None and stated != asked_schema_hash(version):
            raise Refused(
                "schema_mismatch",
                f"{version.version} was trained on other definitions of its features. Train a new one: "
                f"{metadata.train_command}.",
            )


def _row_of(version: LoadedVersion, view: EventView) -> Floats:
    """Return the features (F,) of a view that a version is asked with, in the order in which the journal keeps them."""
    places = {name: place for place, name in enumerate(view.names)}
    return view.features[[places[name] for name in asked_features(version)]]


def _in_words(reason: Reason) -> str:
    return "missing" if np.isnan(reason.value) else f"{reason.value:.3g} {reason.unit}".strip()
