"""A retraining from record to shelf, on the demo market: what wins becomes a challenger, what does not is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from ml_data.events import Event
from ml_data.retrainings import (
    Alarm,
    Retraining,
    RetrainingResult,
    alarms_of,
    begin_retraining,
    end_retraining,
    retrainings_of,
)
from ml_models.calibrator import Calibrator
from ml_models.model_registry import ModelRegistry
from ml_training import retraining
from ml_training.code_state import code_state, library_versions
from ml_training.due import Due, Facts, due
from ml_training.reproduction import reproduce
from ml_training.retrain_facts import champion_of, facts_of
from ml_training.retraining import retrain, settle_left
from ml_training.train_pipeline import make_version
from tests.hub_home import DEMO, MODEL, NOW, TRAINED_UNTIL, Home, copied, small_recipe, using
from tests.ml_models.drafts import damage, draft
from trading.domain.label import ORB_COMPLETE
from trading.errors import CheckFailed, RegistryError
from trading.settings import RetrainSettings

SETTINGS = RetrainSettings(test_days=20, comparisons=1)
LATER = NOW + timedelta(minutes=5)
WHO = {"now": LATER, "who": "test"}


def asked(home: Home, now: datetime = LATER) -> tuple[Facts, Due]:
    facts = facts_of(home.store, home.registry, DEMO, MODEL, champion_of(home.registry, MODEL), now)
    return facts, due(facts, SETTINGS, now, by_hand=True)


def retrained(home: Home) -> Retraining:
    facts, found = asked(home)
    return retrain(home.store, home.registry, DEMO, MODEL, facts, found, SETTINGS, clock=lambda: LATER, who="test")


@dataclass(frozen=True)
class Retrained:
    folder: Path
    champion: str
    came: Retraining
    result: RetrainingResult


def made(demo_home: Path, folder: Path, *, dull: bool) -> Retrained:
    """A home after a retraining; a `dull` champion says nearly the same of everything."""
    with using(copied(demo_home, folder)) as home:
        if dull:
            arguments = {"until": TRAINED_UNTIL, "who": "test", "clock": lambda: NOW}
            draft = make_version(home.store, home.registry, DEMO, small_recipe(), **arguments).draft
            draft = replace(draft, calibrator=Calibrator("temperature", temperature=40.0))
            home.registry.publish(MODEL, draft, now=NOW, who="test", why="says nothing")
        champion = champion_of(home.registry, MODEL)
        came = retrained(home)
        assert came.result is not None
        return Retrained(folder, champion, came, came.result)


@pytest.fixture(scope="module")
def lost(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    return made(demo_home, tmp_path_factory.mktemp("lost") / "home", dull=False)


@pytest.fixture(scope="module")
def won(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    return made(demo_home, tmp_path_factory.mktemp("won") / "home", dull=True)


@pytest.fixture
def lost_home(lost: Retrained, tmp_path: Path) -> Iterator[Home]:
    with using(copied(lost.folder, tmp_path / "home")) as home:
        yield home


def pointers(home: Home) -> dict[str, tuple[str, ...]]:
    return {str(each.version): each.standing for each in home.registry.versions(MODEL)}


def test_on_a_market_without_an_edge_the_candidate_is_kept_as_rejected(lost: Retrained):
    assert lost.result.verdict == "rejected"
    assert (lost.came.cause, lost.came.champion, lost.came.champion_through) == (
        "by hand",
        lost.champion,
        TRAINED_UNTIL,
    )
    assert lost.result.days == 20
    assert lost.result.why.startswith(("Not shown to be better than the champion", "Worse than the champion"))
    with using(lost.folder) as home:
        assert pointers(home) == {lost.champion: ("latest",), str(lost.result.candidate): ("rejected",)}
        assert home.registry.versions(MODEL)[-1].rejected == lost.result.why
        assert home.engine().version().version == lost.champion
        assert retrainings_of(home.store, MODEL) == (lost.came,)


def test_what_beats_the_champion_becomes_a_challenger_and_nothing_more(won: Retrained):
    assert won.result.verdict == "challenger"
    assert won.result.least is not None
    assert won.result.least > 0
    with using(won.folder) as home:
        assert pointers(home)[won.champion] == ("latest",)
        assert pointers(home)[str(won.result.candidate)] == ("challenger-20230703-120500",)
        assert home.engine().version().version == won.champion
        home.registry.promote(MODEL, str(won.result.candidate), **WHO, why="chosen by hand")
        assert champion_of(home.registry, MODEL) == won.result.candidate


def test_the_days_of_the_comparison_are_after_the_champions_and_the_candidate_is_never_asked_about_them(won: Retrained):
    first, last = won.result.first_day, won.result.last_day
    assert first is not None
    assert last is not None
    assert first > TRAINED_UNTIL
    with using(won.folder) as home:
        metadata = home.registry.metadata(MODEL, str(won.result.candidate))
        learned, _, window = metadata.ranges
        assert learned.last_day < first
        assert (window.name, window.first_day, window.last_day) == ("untouched window", first, last)
        assert metadata.parent == won.champion
        engine = home.engine(which=str(won.result.candidate))
        for day in (first, last):
            row = engine.predict(Event(datetime.combine(day, time(0, 5), UTC), "DEMO", ORB_COMPLETE, day, "1000"))
            assert row.refusal is not None
            assert row.refusal.code == "in_sample"


def test_the_look_is_in_the_ledger_before_the_verdict(lost: Retrained):
    with using(lost.folder) as home, home.store.journal() as cursor:
        kinds = cursor.execute("SELECT kind FROM journal.ml_trials ORDER BY started_at").fetchall()
        opened = cursor.execute("SELECT first_day, last_day FROM journal.ml_window_openings").fetchall()
    assert kinds == [("training",), ("training",)]
    assert (lost.result.first_day, lost.result.last_day) in opened


def test_a_rejected_version_gets_no_pointer_any_more(lost_home: Home, lost: Retrained):
    for alias in ("champion", "challenger-1"):
        with pytest.raises(RegistryError, match="was rejected on 2023-07-03 and is not pointed at"):
            lost_home.registry.promote(MODEL, str(lost.result.candidate), alias, **WHO, why="all the same")


def test_a_candidate_is_made_again_byte_for_byte(lost_home: Home, lost: Retrained):
    candidate = str(lost.result.candidate)
    arguments = (DEMO, MODEL, candidate, code_state(), library_versions())
    assert reproduce(lost_home.store, lost_home.registry, *arguments).passed


def test_days_that_the_champion_has_seen_cannot_be_compared_on(home: Home):
    facts, found = asked(home)
    seen = replace(found, after=date(2023, 5, 15))
    came = retrain(home.store, home.registry, DEMO, MODEL, facts, seen, SETTINGS, clock=lambda: LATER, who="test")
    assert came.result is not None
    assert (came.result.verdict, came.result.opened, came.result.candidate) == ("failed", False, None)
    assert came.result.why.startswith("Cannot compare: of the days ")
    assert pointers(home) == {facts.champion: ("latest",)}


def test_an_interrupt_is_written_down_and_leaves_the_shelf_as_it_was(home: Home):
    def interrupt(step: str, done: int, total: int) -> None:
        if step == "walking forward":
            raise KeyboardInterrupt

    facts, found = asked(home)
    with pytest.raises(KeyboardInterrupt):
        retrain(
            home.store, home.registry, DEMO, MODEL, facts, found, SETTINGS,
            clock=lambda: LATER, who="test", progress=interrupt,
        )  # fmt: skip
    [left] = retrainings_of(home.store, MODEL)
    assert left.result == RetrainingResult("cut off", LATER, "interrupted by hand", opened=False)
    assert pointers(home) == {facts.champion: ("latest",)}


def test_a_champion_that_is_moved_meanwhile_is_not_judged_by_the_other(
    home: Home, lost: Retrained, monkeypatch: pytest.MonkeyPatch
):
    facts, found = asked(home)
    monkeypatch.setattr(retraining, "make_version", lambda *_, **__: made_before(home))
    monkeypatch.setattr(retraining, "champion_of", lambda *_: "another")
    came = retrain(home.store, home.registry, DEMO, MODEL, facts, found, SETTINGS, clock=lambda: LATER, who="test")
    assert came.result is not None
    assert came.result.why == f"The champion was moved meanwhile; the comparison was with {facts.champion}."
    assert pointers(home)[str(came.result.candidate)] == ("rejected",)


def made_before(home: Home):  # type: ignore[no-untyped-def]
    return make_version(
        home.store, home.registry, DEMO, small_recipe(), until=date(2023, 6, 1), who="test", clock=lambda: LATER
    )


def test_what_a_kill_left_is_told_and_kept_out_of_use(lost_home: Home, lost: Retrained):
    champion = lost.champion
    begun = replace(lost.came, retraining_id="beef", started_at=LATER + timedelta(minutes=1), result=None)
    candidate = left_behind(lost_home, begun)
    assert pointers(lost_home)[candidate] == ("candidate",)
    with pytest.raises(RegistryError, match="is a candidate that is not judged yet"):
        lost_home.registry.promote(MODEL, candidate, **WHO, why="too early")
    assert settle_left(lost_home.store, lost_home.registry, MODEL, **WHO) == 1
    last = retrainings_of(lost_home.store, MODEL)[-1].result
    assert last is not None
    assert (last.verdict, last.candidate, last.opened) == ("cut off", candidate, True)
    assert pointers(lost_home)[candidate] == ("rejected",)
    assert champion_of(lost_home.registry, MODEL) == champion
    assert settle_left(lost_home.store, lost_home.registry, MODEL, **WHO) == 0


def left_behind(home: Home, begun: Retraining) -> str:
    """Leave what a kill leaves right after the candidate came on the shelf, and say which it is."""
    begin_retraining(home.store, begun, who="test")
    why = f"retraining {begun.retraining_id}: trained"
    return str(home.registry.publish(MODEL, draft(seed=4), **WHO, why=why, pointed=False))


def test_a_verdict_that_a_kill_kept_from_the_shelf_is_followed_by_the_next_one(won: Retrained, tmp_path: Path):
    with using(copied(won.folder, tmp_path / "home")) as home:
        candidate = left_behind(home, replace(won.came, retraining_id="beef"))
        end_retraining(home.store, "beef", replace(won.result, candidate=candidate))
        assert settle_left(home.store, home.registry, MODEL, **WHO) == 0
        assert pointers(home)[candidate] == (f"challenger-{candidate[2:10]}-{candidate[11:17]}",)


def test_a_challenger_that_was_damaged_before_its_pointer_was_set_is_rejected(won: Retrained, tmp_path: Path):
    with using(copied(won.folder, tmp_path / "home")) as home:
        candidate = left_behind(home, replace(won.came, retraining_id="beef"))
        end_retraining(home.store, "beef", replace(won.result, candidate=candidate))
        damage(home.registry.root / MODEL / candidate / "model.txt", b"tree\n")
        settle_left(home.store, ModelRegistry(home.registry.root), MODEL, **WHO)
        assert pointers(home)[candidate] == ("rejected",)
        [why] = [each.rejected for each in home.registry.versions(MODEL) if each.version == candidate]
        assert "Since then it was damaged: " in str(why)


def test_without_a_statement_of_its_days_a_version_cannot_be_compared(home: Home, monkeypatch: pytest.MonkeyPatch):
    champion = champion_of(home.registry, MODEL)
    real = home.registry.published(MODEL, champion)
    bare = replace(real, metadata=replace(real.metadata, ranges=()))
    monkeypatch.setattr(type(home.registry), "published", lambda *_: bare)
    with pytest.raises(CheckFailed, match="does not say which days it has seen"):
        facts_of(home.store, home.registry, DEMO, MODEL, champion, LATER)


def test_alarms_are_those_of_the_monitors_and_of_the_breaker_about_this_version(home: Home):
    with home.store.journal_write() as cursor:
        for version, code, kind in (
            ("v1", "drawdown", "trip"),
            ("v1", "stale_data", "trip"),
            ("v2", "drawdown", "trip"),
            ("v1", "drawdown", "rearm"),
        ):
            cursor.execute(
                "INSERT INTO journal.ml_breaker VALUES ('DEMO', ?, ?, ?, ?, '', 0, 0, '', ?, 'hub', '')",
                [MODEL, version, code, kind, NOW],
            )
        for version, state, at in (("v1", "alarm", NOW), ("v1", "quiet", NOW), ("v1", "alarm", LATER)):
            cursor.execute(
                "INSERT INTO journal.ml_drift VALUES ('DEMO', ?, ?, 'quality', '2023-06-30', ?, '', 0, 0, 0, '', ?)",
                [MODEL, version, state, at],
            )
    assert alarms_of(home.store, MODEL, "v1", NOW) == (
        Alarm("drawdown", NOW, date(2023, 7, 4)),
        Alarm("quality", NOW, date(2023, 6, 30)),
    )
