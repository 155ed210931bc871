"""What would have been said of each event of a day with one stage of a replay after the other in place of the live one.

The stages in causal order: bars, features, model, settings. A row tells the bars it was made from by their hash, so the
bars as they were are restored where a vendor changed some since, and that is proved. Code that made the inputs is not
there any more: so logged inputs are set against those of the bars as they were, and these against the bars as they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from ml_data.event_view import EventView
from ml_data.events import Event
from ml_data.history_tables import definitions_hash
from ml_data.journal import ANSWER_COLUMNS, columns_of, features_asked, judged_predictions, prediction
from ml_data.staleness import predictions_made, stale
from ml_data.store import Store, sql
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.logged_again import Tapes, bars_that_came_since, event_of, same_bits, settings_then
from ml_inference.roster import NAMED
from ml_inference.shadow import moments
from ml_inference.skew_audit import input_differences
from ml_models.loaded_version import LoadedVersion
from ml_models.model_registry import ModelRegistry
from ml_models.pointers import CHALLENGER
from trading.domain.instrument import Instrument
from trading.domain.prediction import MISSED, Refusal
from trading.domain.substitution import (
    DATA_REVISED,
    FEATURE_DIFFERS,
    MISSED_LIVE,
    MODEL_DIFFERS,
    ONLY_LIVE,
    ONLY_REPLAY,
    THRESHOLD_DIFFERS,
    UNEXPLAINED,
    Cause,
    Said,
    Stage,
    Substituted,
)
from trading.errors import Refused, RegistryError

_TOLD: Final = 3  # inputs that differ are named up to so many


def logged_of_day(
    store: Store, instrument: Instrument, model: str, day: date, *, replayed: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of one day that people went by, with their newest outcomes: of each event the first.

    They are no challenger's, and live, or with `replayed` those that were replayed.
    """
    rows = judged_predictions(store, instrument=instrument.symbol, model=model, first=day, last=day).to_pylist()
    kept: dict[tuple[str, datetime], dict[str, Any]] = {}
    shown = [row for row in rows if bool(row["replayed"]) == replayed and not str(row["role"]).startswith(CHALLENGER)]
    for row in sorted(shown, key=lambda each: (each["role"] == NAMED, each["logged_at"] or each["decided_at"])):
        kept.setdefault((row["orb"], row["decided_at"]), row)
    whole = [{**(prediction(store, row["prediction_id"]) or {}), **row} for row in kept.values()]
    return sorted(whole, key=lambda each: (each["decided_at"], each["orb"]))


class Substitution:
    """Substitutes stage by stage for the events of one model; `version` is the one that a replay asks."""

    def __init__(
        self,
        store: Store,
        registry: ModelRegistry,
        instrument: Instrument,
        model: str,
        *,
        settings: EngineSettings,
        version: str = "latest",
    ) -> None:
        self._store, self._registry, self._instrument, self._model = store, registry, instrument, model
        self._settings, self._tapes = settings, Tapes(store, instrument)
        self._present = self._engine(settings, instrument.costs.slippage_ticks, version).version()

    @property
    def version(self) -> str:
        """The version that a replay asks."""
        return str(self._present.version)

    def of_day(
        self, logged: Sequence[dict[str, Any]], day: date, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Substituted, ...]:
        """Return every event of the day, logged (`logged_of_day`) or not, in the order of decision.

        Raises
        ------
        NothingStored
            when history is not built from all stored bars.
        """
        ids = {row["prediction_id"] for row in logged}
        made = [each for each in predictions_made(self._store, self._instrument) if each.id in ids]
        revised = {each.id: str(each.first) for each in stale(self._store, self._instrument, made)}
        known = {(row["orb"], row["decided_at"]) for row in logged}
        others = [event for event in self._events(day) if (event.orb, event.decided_at) not in known]
        seen_at = max((row["logged_at"] for row in logged), default=None)
        found: list[Substituted] = []
        events: list[dict[str, Any] | Event] = [*logged, *others]
        for done, each in enumerate(events, start=1):
            if isinstance(each, Event):
                found += self._unlogged(each, seen_at)
            else:
                found.append(self._logged(each, revised.get(each["prediction_id"])))
            if progress is not None:
                progress(done, len(events))
        return tuple(sorted(found, key=lambda one: (one.decided_at, one.orb)))

    def _logged(self, row: dict[str, Any], revised: str | None) -> Substituted:
        event, path = event_of(row), _Path(_said_then(row))
        now = self._view(event)
        then = now if revised is None else self._view(event, row["logged_at"])
        restored = then is not None and then.data_hash == row["data_hash"]
        bars: tuple[Cause, str] = DATA_REVISED, revised or ""
        if not restored:
            came = bars_that_came_since(self._store, self._instrument, row)
            bars = (UNEXPLAINED, "the bars are other ones, and no import says why") if came is None else (bars[0], came)
        live = self._version_of(row)
        names = tuple(each.name for each in features_asked(row["schema_hash"] or "", len(row["features"] or ())))
        engine = self._engine_then(row)
        if live is not None and names and (then if restored else now) is not None:
            self._inputs(path, row, names, engine, live, (then if restored else None, now), bars)
        elif now is not None:
            self._without_the_version(path, row, names, engine, (then if restored else None, now), bars)
        if now is None:
            gone = "by the bars that are stored there is no such event"
            known = (DATA_REVISED, bars[1]) if bars[1] and bars[0] is DATA_REVISED else (ONLY_LIVE, gone)
            path.to(*known, None)
        else:
            said = self._said(engine, self._present, now)
            path.to(MODEL_DIFFERS, f"{row['version']} answered then, {self.version} answers now", said)
            path.to(THRESHOLD_DIFFERS, self._settings_changed(row), self._said(self._engine_now, self._present, now))
        return Substituted(
            row["instrument"],
            row["kind"],
            row["trading_day"],
            row["orb"],
            row["decided_at"],
            row["prediction_id"],
            label=row["label"],
            rule=row["rule"],
            logged_contract=row["contract"],
            contract=None if now is None else now.contract,
            logged=_said_then(row),
            stages=tuple(path.stages),
        )

    def _inputs(
        self,
        path: "_Path",
        row: dict[str, Any],
        names: tuple[str, ...],
        engine: MLInferenceEngine,
        live: LoadedVersion,
        views: tuple[EventView | None, EventView | None],
        bars: tuple[Cause, str],
    ) -> None:
        """Go from what was logged to what the version that answered says of the bars as they are now."""
        then, now = views
        base = then or now
        if base is None:
            return
        if then is not None or row["refusal_code"] in (None, MISSED):  # why it refused, bars of that time alone can say
            answered = self._said(engine, live, _with_inputs(base, names, row["features"]))
            path.to(*_why_the_answer_differs(row, path.said, answered), answered)
        if then is not None:
            differ = input_differences(names, row["features"], then)
            path.to(
                FEATURE_DIFFERS,
                _inputs_in_words(differ) + self._other_file(row),
                self._said(engine, live, then),
                always=bool(differ),
            )
        if now is not None and now is not then:
            before = then.features.tolist() if then is not None else row["features"]
            differ = input_differences(then.names if then is not None else names, before, now)
            path.to(*bars, self._said(engine, live, now), always=bool(differ) or bars[0] is UNEXPLAINED)

    def _without_the_version(
        self,
        path: "_Path",
        row: dict[str, Any],
        names: tuple[str, ...],
        engine: MLInferenceEngine,
        views: tuple[EventView | None, EventView | None],
        bars: tuple[Cause, str],
    ) -> None:
        """Go to what a replay says in one step, as the version that answered cannot be asked any more (or not so)."""
        then, now = views
        if now is None:
            return
        apart = f"; {row['version']} cannot be asked again, so the model's share is not told apart"
        said = self._said(engine, self._present, now)
        if row["refusal_code"] == MISSED:
            path.to(*_why_the_answer_differs(row, path.said, said), said)
        elif not names:
            path.to(FEATURE_DIFFERS, f"the inputs are defined otherwise by now{apart}", said, always=True)
        elif then is not None and (differ := input_differences(names, row["features"], then)):
            path.to(FEATURE_DIFFERS, _inputs_in_words(differ) + apart, said, always=True)
        elif now is not then:
            path.to(bars[0], bars[1] + apart, said, always=True)

    def _unlogged(self, event: Event, seen_at: datetime | None) -> Iterator[Substituted]:
        """Yield an event that a replay meets and that was never logged; `seen_at` is when the day's last row was."""
        now = self._view(event)
        if now is None:
            return
        cause, why = ONLY_REPLAY, "nothing is logged of it, not even that it was missed"
        if seen_at is not None and self._view(event, seen_at) is None:
            cause, why = DATA_REVISED, f"by the bars as they were at {seen_at:%Y-%m-%d %H:%MZ} there was no such event"
        schema = self._present.schema
        yield Substituted(
            event.instrument,
            event.kind,
            event.trading_day,
            event.orb,
            event.decided_at,
            prediction_id=event.prediction_id(self._present.version_hash),
            label=schema.asked.name,
            rule=schema.rule,
            logged_contract=None,
            contract=now.contract,
            logged=None,
            stages=(Stage(cause, why, self._said(self._engine_now, self._present, now)),),
        )

    def _events(self, day: date) -> list[Event]:
        """Return the moments of a day that a replay would step through."""
        with self._store.market() as cursor:
            asked = {"instrument": self._instrument.symbol}
            [(first, last)] = cursor.execute(sql("bar_bounds"), asked).fetchall()
        nothing = datetime.min.replace(tzinfo=UTC)
        first, through = (nothing, nothing) if last is None else (first, last + timedelta(minutes=1))
        every = moments(self._store, self._instrument, self._present.schema.asked.event, day, day)
        return [event for event in every if first < event.decided_at <= through]

    def _view(self, event: Event, known_at: datetime | None = None) -> EventView | None:
        try:
            return self._tapes.view(event, known_at)
        except Refused:
            return None

    def _version_of(self, row: dict[str, Any]) -> LoadedVersion | None:
        """Return the version that answered; None when it is not on the shelf any more as it was."""
        try:
            found = self._registry.load(row["model"], row["version"])
        except RegistryError:
            return None
        return found if found.version_hash == row["version_hash"] else None

    @property
    def _engine_now(self) -> MLInferenceEngine:
        return self._engine(self._settings, self._instrument.costs.slippage_ticks)

    def _engine_then(self, row: dict[str, Any]) -> MLInferenceEngine:
        """Return what answers by the settings of a row; those that were not recorded are today's."""
        slippage = row["slippage_ticks"]
        now = self._instrument.costs.slippage_ticks
        return self._engine(settings_then(row, self._settings), now if slippage is None else slippage)

    def _engine(self, settings: EngineSettings, slippage: int, version: str = "latest") -> MLInferenceEngine:
        """Return what answers by `settings` and a slippage in ticks."""
        costs = self._instrument.costs.model_copy(update={"slippage_ticks": slippage})
        return MLInferenceEngine(
            self._store,
            self._registry,
            self._instrument.model_copy(update={"costs": costs}),
            model=self._model,
            which=version,
            settings=settings,
            clock=lambda: datetime.min.replace(tzinfo=UTC),  # times a cache that is not asked here
        )

    def _said(self, engine: MLInferenceEngine, version: LoadedVersion, view: EventView) -> Said:
        found = engine.said_of(version, view)
        if isinstance(found, Refusal):
            return Said(version.version_hash, found.code)
        return Said(version.version_hash, None, columns_of(found, version.schema.asked))

    def _other_file(self, row: dict[str, Any]) -> str:
        changed = row["definitions_hash"] not in (None, definitions_hash(self._instrument))
        return "; the instrument's file is another since" if changed else ""

    def _settings_changed(self, row: dict[str, Any]) -> str:
        now = {
            "confidence_threshold": self._settings.confidence_threshold,
            "stale_minutes": self._settings.stale_minutes,
            "slippage_ticks": self._instrument.costs.slippage_ticks,
        }
        recorded = {name: row[name] for name in now if row[name] is not None}
        return ", ".join(f"{name} was {was:g}, is {now[name]:g}" for name, was in recorded.items() if was != now[name])


class _Path:
    """What is said along the way from the journal to a replay: a stage is kept where something changes with it."""

    def __init__(self, said: Said) -> None:
        self.said: Said | None = said
        self.stages: list[Stage] = []

    def to(self, cause: Cause, why: str, said: Said | None, *, always: bool = False) -> None:
        """Go on to what is said with one more stage replaced; `always` keeps one that leaves the answer as it is."""
        if always or not _same(self.said, said):
            self.stages.append(Stage(cause, why, said))
        self.said = said


def _same(left: Said | None, right: Said | None) -> bool:
    if left is None or right is None:
        return left is right
    return (left.version_hash, left.code) == (right.version_hash, right.code) and all(
        same_bits(left.answer.get(name), right.answer.get(name)) for name in ANSWER_COLUMNS
    )


def _said_then(row: dict[str, Any]) -> Said:
    answer = {} if row["refusal_code"] is not None else {name: row[name] for name in ANSWER_COLUMNS}
    return Said(row["version_hash"], row["refusal_code"], answer)


def _why_the_answer_differs(row: dict[str, Any], logged: Said | None, answered: Said) -> tuple[Cause, str]:
    """Return why the version that answered says something else of the very inputs that were logged."""
    if row["refusal_code"] == MISSED:
        return MISSED_LIVE, str(row["refusal_reason"])
    if row["confidence_threshold"] is None and logged is not None:
        others = [name for name in ANSWER_COLUMNS if name not in ("advice", "advised_size")]
        same = all(same_bits(logged.answer.get(name), answered.answer.get(name)) for name in others)
        if (logged.code == answered.code and same) or logged.code == "stale_bars":
            return THRESHOLD_DIFFERS, "the settings of that time were not recorded; the inputs are the same"
    return UNEXPLAINED, "the logged answer is not what its version says of the logged inputs"


def _with_inputs(view: EventView, names: tuple[str, ...], values: Sequence[float | None]) -> EventView:
    """Return a view with some of its features replaced."""
    places = {name: place for place, name in enumerate(view.names)}
    features = view.features.copy()
    features[[places[name] for name in names]] = [float("nan") if value is None else value for value in values]
    return replace(view, features=features)


def _inputs_in_words(differ: list[tuple[str, float | None, float]]) -> str:
    told = [f"{name} was {was!r}, is {now!r}" for name, was, now in differ[:_TOLD]]
    more = [f"and {len(differ) - _TOLD} more"] if len(differ) > _TOLD else []
    return ", ".join([*told, *more])
