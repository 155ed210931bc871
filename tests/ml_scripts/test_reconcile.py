"""Live against replay by cause: of a real small store exactly one thing is changed, and that is the cause that is told.

Whoever adds a cause to `trading.domain.substitution` needs a fixture here: `planted` registers one, a test walks all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_data.build import build
from ml_data.event_view import EventView
from ml_data.ingest import ingest_bars
from ml_data.journal import answer_columns, append_predictions
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.logged_again import event_of
from ml_inference.shadow import ShadowLoop
from ml_inference.substitution import Substitution, logged_of_day
from ml_monitoring.day_audit import reconcile_day, reconciled_so_far, record_look
from ml_monitoring.outcome_logger import settle
from ml_monitoring.reconciliation import Reconciliation, describe_reconciliation
from tests.hub_home import BREAK_RECIPES, DEMO, MODEL, NOW, REGISTRY, Home, copied, demo_table, using
from tests.ml_inference.shelves import three_class_draft
from tests.ml_monitoring.test_stale import revise
from trading.domain import substitution as vocabulary
from trading.domain.instrument import Instrument
from trading.domain.prediction import MISSED, Refusal
from trading.domain.substitution import CAUSES, Cause

DAY = date(2023, 5, 16)
LATER = NOW + timedelta(days=1)
ORBS = ("0900", "1000", "1100", "1800", "2300", "0030")
SURE = EngineSettings(confidence_threshold=0.62)


@dataclass
class Now:
    """What a replay is made with."""

    instrument: Instrument = DEMO
    settings: EngineSettings = field(default_factory=EngineSettings)


@pytest.fixture(scope="module")
def settled_home(logged_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One day of live forecasts with their outcomes. It is shared: copy it to write."""
    folder = copied(logged_home, tmp_path_factory.mktemp("settled") / "home")
    with using(folder) as opened:
        edit(opened, f"DELETE FROM journal.ml_predictions WHERE trading_day <> DATE '{DAY}'")
        edit(opened, "UPDATE journal.ml_predictions SET replayed = FALSE")
        settle(opened.store, DEMO, now=NOW)
    return folder


@pytest.fixture
def live(settled_home: Path, tmp_path: Path) -> Iterator[Home]:
    with using(copied(settled_home, tmp_path / "home")) as opened:
        yield opened


def edit(home: Home, statement: str) -> None:
    with home.store.journal_write() as cursor:
        cursor.execute(statement)


def reconciled(
    home: Home, by: Now | None = None, *, model: str = MODEL, day: date = DAY, replayed: bool = False
) -> Reconciliation:
    by = by or Now()
    substitution = Substitution(home.store, home.registry, by.instrument, model, settings=by.settings)
    logged = logged_of_day(home.store, by.instrument, model, day, replayed=replayed)
    return reconcile_day(
        home.store,
        by.instrument,
        logged,
        substitution.of_day(logged, day),
        model=model,
        version=substitution.version,
        trading_day=day,
        replayed=replayed,
        now=LATER,
    )


def causes(found: Reconciliation) -> dict[str, set[str]]:
    """The opening ranges of the events by first cause."""
    told: dict[str, set[str]] = {}
    for each in found.differences:
        told.setdefault(each.cause, set()).add(each.event[-4:])
    return told


def parts_sum_to_the_whole(found: Reconciliation) -> bool:
    for each in found.differences:
        assert sum(part.r for part in each.parts) == pytest.approx(each.r_replay - each.r_live, abs=1e-12)
    whole = found.r_replay - found.r_live
    assert sum(total.r for total in found.causes) == pytest.approx(whole, abs=1e-12)
    return True


# One fixture a cause: it changes one thing of a day of live forecasts, and says of which ranges.

Plant = Callable[[Home], tuple[Now, set[str]]]
PLANTED: dict[str, Plant] = {}


def planted(cause: Cause) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        PLANTED[cause.name] = plant
        return plant

    return register


@planted(vocabulary.DATA_REVISED)
def _a_vendor_revises_a_bar(home: Home) -> tuple[Now, set[str]]:
    revise(home, "2023-05-16 08:03", by=3.0)  # 18:03 in Brisbane: in the 18:00 range
    return Now(), {"1800", "2300", "0030"}


class OtherFeatures(MLInferenceEngine):
    """A live loop whose code of features gave another number for where the range closed."""

    def view(self, *arguments: Any) -> EventView:
        seen = super().view(*arguments)
        features = seen.features.copy()
        features[seen.names.index("martingale_up")] = 0.97
        return replace(seen, features=features)


@planted(vocabulary.FEATURE_DIFFERS)
def _live_saw_another_input(home: Home) -> tuple[Now, set[str]]:
    [row] = [each for each in logged_of_day(home.store, DEMO, MODEL, DAY) if each["orb"] == "1000"]
    forget(home, "1000")
    engine = OtherFeatures(home.store, home.registry, DEMO, model=MODEL, clock=home.clock)
    ShadowLoop(home.store, engine, clock=home.clock, replayed=False).step(event_of(row))
    settle(home.store, DEMO, now=NOW)
    return Now(), {"1000"}


@planted(vocabulary.MODEL_DIFFERS)
def _another_version_was_published(home: Home) -> tuple[Now, set[str]]:
    draft = three_class_draft(home.registry.load(MODEL))
    home.registry.publish(MODEL, draft, now=NOW + timedelta(hours=1), who="test", why="another")
    return Now(), set(ORBS)


@planted(vocabulary.THRESHOLD_DIFFERS)
def _the_threshold_was_raised(home: Home) -> tuple[Now, set[str]]:
    unsure = {
        row["orb"]
        for row in logged_of_day(home.store, DEMO, MODEL, DAY)
        if row["advice"] not in (None, "NONE") and row["confidence"] < SURE.confidence_threshold
    }
    assert unsure
    return Now(settings=SURE), unsure


def dearer(home: Home) -> Instrument:
    costs = DEMO.costs.model_copy(update={"commission_per_side": DEMO.costs.commission_per_side * 2})
    instrument = DEMO.model_copy(update={"costs": costs})
    build(home.store, instrument)
    return instrument


@planted(vocabulary.FILL_DIFFERS)
def _the_commission_doubled(home: Home) -> tuple[Now, set[str]]:
    with home.store.market() as cursor:
        traded = cursor.execute(
            "SELECT orb FROM market.orb_trades WHERE trading_day = ? AND rule = 'full-rr1-day' AND direction <> 'NONE'",
            [DAY],
        ).fetchall()
    return Now(instrument=dearer(home)), {row[0] for row in traded}


@planted(vocabulary.MISSED_LIVE)
def _the_bars_came_too_late(home: Home) -> tuple[Now, set[str]]:
    [row] = [each for each in logged_of_day(home.store, DEMO, MODEL, DAY) if each["orb"] == "0900"]
    said = home.engine().predict(event_of(row))
    forget(home, "0900")
    append_predictions(home.store, [replace(said, answer=None, refusal=Refusal(MISSED, "it was late"))], NOW)
    settle(home.store, DEMO, now=NOW)
    return Now(), {"0900"}


@planted(vocabulary.ONLY_LIVE)
def _a_range_that_is_described_no_more(home: Home) -> tuple[Now, set[str]]:
    with home.store.journal_write() as cursor:
        for table, other in (("ml_predictions", ", '0130' AS orb"), ("ml_outcomes", "")):
            cursor.execute(
                f"INSERT INTO journal.{table} BY NAME SELECT * REPLACE ('of-old' AS prediction_id{other}) "
                f"FROM journal.{table} WHERE prediction_id IN "
                "(SELECT prediction_id FROM journal.ml_predictions WHERE orb = '0030')"
            )
    return Now(), {"0130"}


def forget(home: Home, orb: str) -> None:
    asked = f"prediction_id IN (SELECT prediction_id FROM journal.ml_predictions WHERE orb = '{orb}')"
    edit(home, f"DELETE FROM journal.ml_outcomes WHERE {asked}")
    edit(home, f"DELETE FROM journal.ml_predictions WHERE orb = '{orb}'")


@planted(vocabulary.ONLY_REPLAY)
def _nobody_was_there(home: Home) -> tuple[Now, set[str]]:
    forget(home, "2300")
    return Now(), {"2300"}


@planted(vocabulary.UNEXPLAINED)
def _somebody_edits_the_journal(home: Home) -> tuple[Now, set[str]]:
    edit(home, "UPDATE journal.ml_predictions SET prob_up = prob_up + 1e-12 WHERE orb = '0900'")
    return Now(), {"0900"}


def test_every_cause_is_listed_in_causal_order_and_has_a_fixture():
    defined = {value.name for value in vars(vocabulary).values() if isinstance(value, Cause)}
    assert {cause.name for cause in CAUSES} == defined
    assert set(PLANTED) == defined
    assert [cause.name for cause in CAUSES if cause.name.endswith(("revised", "differs"))] == [
        "data_revised",
        "feature_differs",
        "model_differs",
        "threshold_differs",
        "fill_differs",
    ]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_what_was_changed_is_the_cause_that_is_told(live: Home, cause: Cause):
    by, orbs = PLANTED[cause.name](live)
    found = reconciled(live, by)
    told = causes(found)
    if cause is vocabulary.DATA_REVISED:  # the bar also moves what earlier trades came to, where they met it
        assert told[cause.name] >= orbs
        told[cause.name] = orbs
    assert told == {cause.name: orbs}
    assert {part.cause for each in found.differences for part in each.parts} == {cause.name}
    assert found.passed == (cause is not vocabulary.UNEXPLAINED)
    assert all(part.why for each in found.differences for part in each.parts)
    assert parts_sum_to_the_whole(found)
    assert cause.words in describe_reconciliation(found)


def test_a_day_that_comes_out_again_has_no_difference(live: Home):
    found = reconciled(live)
    assert (found.events, found.unsettled, found.causes, found.differences) == (6, 0, (), ())
    assert found.r_live == found.r_replay != 0
    assert describe_reconciliation(found) == "6 events compared, none differs."


def test_the_r_of_a_cause_is_what_the_trades_say(live: Home):
    by, orbs = PLANTED["threshold_differs"](live)
    rows = {row["orb"]: row for row in logged_of_day(live.store, DEMO, MODEL, DAY)}
    # Advice that is not sure enough any more lets every break be traded.
    moved = {orb: (rows[orb]["r_net"] or 0.0) - (rows[orb]["r_net_advised"] or 0.0) for orb in orbs}
    found = reconciled(live, by)
    assert {each.event[-4:]: each.parts[0].r for each in found.differences} == pytest.approx(moved)
    [total] = found.causes
    assert (total.events, total.parts) == (len(orbs), len(orbs))
    assert total.r == pytest.approx(sum(moved.values()))


def test_two_causes_on_one_day_each_have_their_part_also_of_one_event(live: Home):
    _, late = PLANTED["missed"](live)
    rows = {row["orb"]: row for row in logged_of_day(live.store, DEMO, MODEL, DAY)}
    unsure = PLANTED["threshold_differs"](live)[1] - late
    found = reconciled(live, Now(dearer(live), SURE))
    told = causes(found)
    assert told["missed"] == late
    assert told["threshold_differs"] == unsure
    assert set(told) <= {"missed", "threshold_differs", "fill_differs"}
    both = [
        each
        for each in found.differences
        if [part.cause for part in each.parts][-2:] == ["threshold_differs", "fill_differs"]
    ]
    assert both
    for each in both:
        row = rows[each.event[-4:]]
        if each.cause == "threshold_differs":
            assert each.parts[0].r == pytest.approx((row["r_net"] or 0.0) - row["r_net_advised"])
            assert each.parts[1].r < 0  # dearer
    assert found.passed
    assert parts_sum_to_the_whole(found)


def test_a_replay_says_what_the_engine_says_now(live: Home):
    revise(live, "2023-05-16 08:03", by=3.0)
    PLANTED["model_differs"](live)
    substitution = Substitution(live.store, live.registry, DEMO, MODEL, settings=SURE)
    logged = logged_of_day(live.store, DEMO, MODEL, DAY)
    engine = live.engine(settings=SURE)
    for each, row in zip(substitution.of_day(logged, DAY), logged, strict=True):
        assert each.replay is not None
        assert each.replay.answer == answer_columns(engine.predict(event_of(row)))
    assert causes(reconciled(live, Now(settings=SURE)))["model_differs"] == {"0900", "1000", "1100"}


def test_settings_that_were_not_recorded_are_told_so(live: Home):
    edit(
        live,
        "UPDATE journal.ml_predictions SET confidence_threshold = NULL, stale_minutes = NULL, slippage_ticks = NULL",
    )
    assert reconciled(live).causes == ()
    by, orbs = PLANTED["threshold_differs"](live)
    found = reconciled(live, by)
    assert causes(found) == {"threshold_differs": orbs}
    assert all("not recorded" in each.parts[0].why for each in found.differences)


def test_an_outcome_without_its_definitions_is_told_so_and_one_that_was_edited_is_unexplained(live: Home):
    edit(live, "UPDATE journal.ml_outcomes SET r_net = r_net - 1, r_net_advised = NULL, definitions_hash = NULL")
    found = reconciled(live)
    assert {part.cause for each in found.differences for part in each.parts} == {"fill_differs", "unexplained"}
    assert any("not recorded" in part.why for each in found.differences for part in each.parts)
    assert not found.passed
    assert parts_sum_to_the_whole(found)


def test_the_version_that_answered_may_be_gone(live: Home):
    PLANTED["model_differs"](live)
    (version,) = {row[0] for row in live.journal("version")}
    (live.folder / REGISTRY / MODEL / version).rename(live.folder / "elsewhere")
    assert causes(reconciled(live)) == {"model_differs": set(ORBS)}
    revise(live, "2023-05-16 08:03", by=3.0)
    found = reconciled(live)
    assert causes(found)["data_revised"] >= {"1800", "2300", "0030"}
    assert any("the model's share is not told apart" in part.why for each in found.differences for part in each.parts)
    assert parts_sum_to_the_whole(found)


@pytest.mark.parametrize(
    ("late", "refused"),
    [
        ("ts = '2023-05-16 08:03Z'", []),
        ("ts BETWEEN '2023-05-16 00:01Z' AND '2023-05-16 00:04Z'", [("1000", "stale_bars")]),
    ],
    ids=["a minute", "so many that it refused"],
)
def test_bars_that_came_in_late_are_the_data(home: Home, late: str, refused: list[tuple[str, str]]):
    with home.store.market_write() as cursor:
        cursor.execute(f"DELETE FROM market.bars_1m WHERE {late} AND contract = 'DEMOM3'")
    build(home.store, DEMO, since=DAY)
    home.replay(str(DAY), str(DAY))
    edit(home, "UPDATE journal.ml_predictions SET replayed = FALSE")
    settle(home.store, DEMO, now=NOW)
    assert [row for row in home.journal("orb, refusal_code") if row[1]] == refused
    assert reconciled(home).causes == ()
    ingest_bars(home.store, DEMO, [demo_table()], source_name="the missing minute", now=LATER)
    found = reconciled(home)
    assert set(causes(found)) == {"data_revised"}
    assert all("the missing minute" in part.why for each in found.differences for part in each.parts)


def test_bars_that_changed_without_an_import_are_unexplained(live: Home):
    with live.store.market_write() as cursor:
        cursor.execute("UPDATE market.bars_1m SET volume = volume + 1 WHERE ts = '2023-05-16 08:03Z'")
    found = reconciled(live)
    assert causes(found) == {"unexplained": {"1800", "2300", "0030"}}
    assert "no import says why" in found.differences[0].parts[0].why


def test_without_outcomes_answers_are_compared_and_no_r(live: Home):
    edit(live, "DELETE FROM journal.ml_outcomes")
    by, orbs = PLANTED["threshold_differs"](live)
    found = reconciled(live, by)
    assert (found.unsettled, found.r_live, found.r_replay) == (6, 0.0, 0.0)
    assert causes(found) == {"threshold_differs": orbs}


def test_looks_are_kept_and_the_newest_of_each_day_counts(live: Home):
    assert reconciled_so_far(live.store, "DEMO", MODEL, known_by=LATER) is None
    record_look(live.store, reconciled(live, Now(settings=SURE)), NOW)
    first = reconciled_so_far(live.store, "DEMO", MODEL, known_by=LATER)
    record_look(live.store, reconciled(live), LATER)
    second = reconciled_so_far(live.store, "DEMO", MODEL, known_by=LATER)
    assert first is not None
    assert second is not None
    assert set(first.causes) == {"threshold_differs"}
    assert (second.days, second.events, second.differ, second.causes) == (1, 6, 0, {})
    assert reconciled_so_far(live.store, "DEMO", MODEL, known_by=NOW) == first


BREAK_DAY = date(2023, 5, 24)


@pytest.mark.parametrize("recipe", BREAK_RECIPES)
def test_every_family_comes_out_again(break_home: Path, recipe: str):
    with using(break_home) as home:  # nothing is written
        [model] = [name for name in home.registry.models() if name.startswith(recipe)]
        found = reconciled(home, model=model, day=BREAK_DAY, replayed=True)
    assert found.events > 3
    assert (found.causes, found.unsettled) == ((), 0)


def test_a_revised_bar_that_moves_a_break_is_the_data_on_both_sides_and_slippage_a_setting(
    break_home: Path, tmp_path: Path
):
    with using(copied(break_home, tmp_path / "home")) as home:
        [model] = [name for name in home.registry.models() if name.startswith("r_multiple")]
        costs = DEMO.costs.model_copy(update={"slippage_ticks": DEMO.costs.slippage_ticks + 1})
        dear = DEMO.model_copy(update={"costs": costs})
        build(home.store, dear)
        found = reconciled(home, Now(dear), model=model, day=BREAK_DAY, replayed=True)
        parts = {part.cause: part.why for each in found.differences for part in each.parts}
        assert set(parts) == {"feature_differs", "threshold_differs", "fill_differs"}  # costs are an input of breaks
        assert "the instrument's file is another since" in parts["feature_differs"]
        assert "slippage_ticks was 1, is 2" in parts["threshold_differs"]
        assert parts_sum_to_the_whole(found)
        revise(home, "2023-05-24 00:02", by=3.0)  # in the 10:00 range, which breaks later now, or down
        build(home.store, DEMO)
        found = reconciled(home, model=model, day=BREAK_DAY, replayed=True)
        assert set(causes(found)) == {"data_revised"}
        moved = [each for each in found.differences if each.event.endswith("1000")]
        assert moved[0].r_replay == 0.0
        assert parts_sum_to_the_whole(found)
