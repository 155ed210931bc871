"""One bar is revised: exactly what was made from it is named, by id, with the bar and the import; nothing else is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ml_data.build import build
from ml_data.ingest import ingest_bars
from ml_data.snapshot import record_snapshot
from ml_data.staleness import RevisedBars, Stale, counted_kinds, predictions_made, stale
from ml_inference.inference_engine import EngineSettings
from ml_inference.replay_audit import audit_replay
from ml_monitoring.stale import built_on_revised_bars
from tests.hub_home import DEMO, MODEL, NOW, Home, copied, using
from trading.domain.bar import BARS

LATER = NOW + timedelta(days=1)
ORBS = ("0900", "1000", "1100", "1800", "2300", "0030")


@pytest.fixture
def logged(logged_home: Path, tmp_path: Path) -> Iterator[Home]:
    """Predictions of 15 to 26 May 2023 by a version that was trained up to 28 April."""
    with using(copied(logged_home, tmp_path / "home")) as opened:
        yield opened


def revise(home: Home, at: str, *, contract: str = "DEMOM3", by: float = 0.1, now: datetime = LATER) -> str:
    """Import one stored bar with another high and volume; return the import's id."""
    with home.store.market() as cursor:
        question = "SELECT * EXCLUDE (instrument) FROM market.bars_1m WHERE contract = ? AND ts = ?"
        [row] = cursor.sql(question, params=[contract, f"{at}Z"]).to_arrow_table().to_pylist()
    changed = row | {"high": round(row["high"] + by, 1), "volume": row["volume"] + 10 * by}
    table = pa.Table.from_pylist([changed], BARS)
    report = ingest_bars(home.store, DEMO, [table], source_name="mended", now=now)
    assert report.rows_revised == 1
    assert report.import_id is not None
    return report.import_id


def found(home: Home) -> tuple[Stale, ...]:
    return built_on_revised_bars(home.store, home.registry, DEMO)


def ids(home: Home, kind: str) -> set[str]:
    return {each.id for each in found(home) if each.kind == kind}


def predictions(home: Home, *events: tuple[str, tuple[str, ...]]) -> set[str]:
    """The ids of the predictions of (first day to last day, opening ranges)."""
    return {
        row[0]
        for days, orbs in events
        for row in home.journal("prediction_id, trading_day, orb")
        if days[:10] <= str(row[1]) <= days[-10:] and row[2] in orbs
    }


def test_without_a_revision_nothing_is_stale(logged: Home):
    assert found(logged) == ()
    assert counted_kinds(()) == "nothing"


def test_a_bar_of_the_day_makes_stale_what_was_decided_after_it_and_nothing_before(logged: Home):
    import_id = revise(logged, "2023-05-16 00:03")  # 10:03 in Brisbane, in the 10:00 range
    expected = predictions(logged, ("2023-05-16", ORBS[1:]), ("2023-05-17 2023-05-26", ORBS))
    assert ids(logged, "ml_predictions") == expected
    assert len(expected) == 5 + 8 * 6
    assert ids(logged, "versions") == set()
    [first] = [each for each in found(logged) if each.about.startswith("DEMO 2023-05-16 1000 by")]
    assert (first.bars, first.first.ts.isoformat(), first.first.import_id) == (
        1,
        "2023-05-16T00:03:00+00:00",
        import_id,
    )
    assert [name for name, _, _ in first.first.changed] == ["high", "volume"]
    assert str(first).endswith(f"(import {import_id} of mended, {LATER:%Y-%m-%d %H:%MZ})")


RULES = [f"rr{n}-{window}" for n in ("1", "1.5", "2", "3", "4", "6", "8") for window in ("day", "session")]


@pytest.mark.parametrize(
    ("at", "ranges", "trades"),
    [
        ("2023-05-15 23:03", ["0900"], {"0900 full", "0900 half"}),  # the 09:00 range of Tuesday, in Brisbane
        ("2023-05-15 23:06", ["0900"], {"0900 full", "0900 half"}),  # the bar that broke it
        ("2023-05-15 23:07", [], {"0900 full", "0900 half"}),
        ("2023-05-15 23:09", [], {"0900 full"}),  # with a stop at the half the trades were lost a minute before
        ("2023-05-15 23:11", [], set()),
    ],
)
def test_history_is_stale_by_window_until_it_is_built(logged: Home, at: str, ranges: list[str], trades: set[str]):
    revise(logged, at)
    assert ids(logged, "sessions") == {"2023-05-16 asia"}
    assert ids(logged, "opening_ranges") == {f"2023-05-16 {orb}" for orb in ranges}
    assert ids(logged, "orb_trades") == {f"2023-05-16 {trade}-{rule}" for trade in trades for rule in RULES}
    assert ids(logged, "contract_days") == {"2023-05-17"}
    before = repr(logged.journal())
    build(logged.store, DEMO)
    assert {each.kind for each in found(logged)} == {"ml_predictions"}
    assert repr(logged.journal()) == before


def test_a_bar_that_only_training_saw_names_the_version_and_no_prediction(logged: Home):
    revise(logged, "2023-02-15 03:00", contract="DEMOJ3")
    [version] = ids(logged, "versions")
    assert version == f"{MODEL} {logged.registry.versions(MODEL)[0].version}"
    assert ids(logged, "ml_predictions") == set()


def test_a_bar_after_everything_was_decided_names_no_prediction_and_no_version(logged: Home):
    revise(logged, "2023-05-31 03:00", contract="DEMOQ3")
    assert {each.kind for each in found(logged)} <= {"sessions", "opening_ranges", "orb_trades", "contract_days"}
    build(logged.store, DEMO)
    assert found(logged) == ()


def test_another_contracts_bar_counts_for_later_days_only(logged: Home):
    with logged.store.market() as cursor:
        question = (
            "SELECT contract, ts FROM market.bars_1m WHERE contract <> 'DEMOM3' AND ts BETWEEN ? AND ? ORDER BY ts"
        )
        contract, at = cursor.execute(question, ["2023-05-16 00:00Z", "2023-05-16 20:00Z"]).fetchall()[0]
    revise(logged, f"{at:%Y-%m-%d %H:%M}", contract=contract)
    assert ids(logged, "ml_predictions") == predictions(logged, ("2023-05-17 2023-05-26", ORBS))
    assert ids(logged, "sessions") == set()


def test_what_was_made_after_the_change_is_not_stale(logged: Home):
    with logged.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET logged_at = ? WHERE orb <> '1000'", [LATER])
    revise(logged, "2023-05-16 00:03")
    assert ids(logged, "ml_predictions") == predictions(logged, ("2023-05-16 2023-05-26", ("1000",)))


def test_a_bar_that_was_changed_and_changed_back_is_none(logged: Home):
    revise(logged, "2023-05-16 00:03")
    revise(logged, "2023-05-16 00:03", by=-0.1, now=LATER + timedelta(hours=1))
    build(logged.store, DEMO)
    assert found(logged) == ()


def test_what_was_made_between_two_changes_of_a_bar_is_held_against_its_values_then(logged: Home):
    between = LATER + timedelta(minutes=30)
    with logged.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET logged_at = ? WHERE orb = '1000'", [between])
    revise(logged, "2023-05-16 00:03")
    revise(logged, "2023-05-16 00:03", by=0.2, now=LATER + timedelta(hours=1))
    told = {each.about[:20]: each.first.changed for each in found(logged) if each.about.startswith("DEMO 2023-05-16 1")}
    saw = {name: [round(now - then, 1) for _, then, now in changed] for name, changed in told.items()}
    assert saw == {
        "DEMO 2023-05-16 1000": [0.2, 2.0],
        **{f"DEMO 2023-05-16 {orb}": [0.3, 3.0] for orb in ("1100", "1800")},
    }
    assert {each.bars for each in found(logged)} == {1}


def test_the_store_is_asked_once_however_many_imports_changed_bars(logged: Home, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def counted() -> int:
        asked.clear()
        assert len(stale(logged.store, DEMO, made)) == len(made)
        return len(asked)

    market = logged.store.market
    monkeypatch.setattr(logged.store, "market", lambda: asked.append("market") or market())
    made = []
    for number, each in enumerate(predictions_made(logged.store, DEMO)[-6:]):
        revise(logged, f"2023-05-16 00:0{number}", now=LATER + timedelta(minutes=number))
        made.append(replace(each, made_at=LATER + timedelta(minutes=number, seconds=-1)))
    few = counted()
    for number in range(30, 40):
        revise(logged, f"2023-05-16 00:{number}", now=LATER + timedelta(minutes=number))
        made.append(replace(made[0], made_at=LATER + timedelta(minutes=number, seconds=-1)))
    assert counted() == few


def test_what_was_made_after_every_change_of_its_bars_is_not_searched(logged: Home, monkeypatch: pytest.MonkeyPatch):
    searched: list[datetime] = []
    inside = RevisedBars.inside
    monkeypatch.setattr(
        RevisedBars, "inside", lambda bars, spans, made_at: searched.append(made_at) or inside(bars, spans, made_at)
    )
    made = [
        replace(each, made_at=LATER + timedelta(minutes=number))
        for number, each in enumerate(predictions_made(logged.store, DEMO))
    ]
    revise(logged, "2023-05-12 00:30", now=made[3].made_at)
    assert len(stale(logged.store, DEMO, made)) == 3
    assert searched == [each.made_at for each in made[:3]]


def test_a_snapshot_is_stale_when_a_bar_up_to_its_last_day_changes_until_it_is_exported_again(logged: Home):
    facts: dict[str, Any] = {"instrument": "DEMO", "recipe": "directional", "first_day": date(2023, 2, 1), "events": 9}
    for name, last_day in (("early", date(2023, 5, 15)), ("late", date(2023, 5, 16))):
        record_snapshot(logged.store, data_hash=name, last_day=last_day, made_at=NOW, **facts)
    revise(logged, "2023-05-16 00:03")
    assert ids(logged, "snapshots") == {"late"}
    again = LATER + timedelta(hours=1)
    record_snapshot(logged.store, data_hash="late", last_day=date(2023, 5, 16), made_at=again, **facts)
    assert ids(logged, "snapshots") == set()


def test_replay_tells_bars_revised_since_from_what_does_not_recompute(logged: Home):
    with logged.store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day <> '2023-05-16'")
    import_id = revise(logged, "2023-05-16 00:03")
    build(logged.store, DEMO)
    report = audit_replay(logged.store, logged.registry, DEMO, settings=EngineSettings())
    assert report.passed
    assert {each.event for each in report.revised} == {f"DEMO 2023-05-16 {orb}" for orb in ORBS[1:]}
    assert all("DEMOM3 2023-05-16 00:03Z high was" in str(each) and import_id in str(each) for each in report.revised)
    with logged.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET prob_up = 0.25 WHERE orb = '1000'")
    report = audit_replay(logged.store, logged.registry, DEMO, settings=EngineSettings())
    assert not report.passed
    assert [(each.event, each.what) for each in report.mismatches] == [("DEMO 2023-05-16 1000", "prob_up")]
    assert len(report.revised) == 4


def test_replay_names_the_import_that_brought_new_bars_into_a_window(logged: Home):
    with logged.store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day <> '2023-05-16' OR orb <> '1100'")
    with logged.store.market_write() as cursor:
        where = "FROM market.bars_1m WHERE contract = 'DEMOM3' AND ts = '2023-05-12 01:00Z'"
        [row] = cursor.sql(f"SELECT * EXCLUDE (instrument) {where}").to_arrow_table().to_pylist()
        cursor.execute(f"DELETE {where}")
    late = pa.Table.from_pylist([row], BARS)
    with logged.store.journal_write() as cursor:  # as if it had been made without that bar
        cursor.execute("UPDATE journal.ml_predictions SET data_hash = 'without it'")
    report = ingest_bars(logged.store, DEMO, [late], source_name="filled", now=LATER)
    build(logged.store, DEMO)
    [mismatch] = audit_replay(logged.store, logged.registry, DEMO, settings=EngineSettings()).mismatches
    assert mismatch.what == "the bars (data_hash)"
    assert mismatch.why == f"bars came in since: 1 of import {report.import_id} (filled, {LATER:%Y-%m-%d %H:%MZ})"
