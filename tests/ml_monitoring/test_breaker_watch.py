"""The breaker on a real store and registry: trips silence at once and in one transaction, re-arms give nothing back."""

from datetime import timedelta

import pytest

from ml_data.breaker_log import append_breaker_events, breaker_events, open_trips, tripped_at
from ml_data.stage_history import current_stage, stage_changes, stage_now
from ml_monitoring.breaker import AT_ONCE, CODES
from ml_monitoring.breaker_watch import arm, breaker_check, watch
from tests.ml_models.drafts import draft
from tests.ml_monitoring.live_journals import MGC, after
from tests.ml_monitoring.shelves import BREAKER, MADE, MODEL, Approved, Shelf, bar
from trading.settings import BreakerSettings


def stage(held: Shelf) -> str:
    return current_stage(stage_changes(held.store, MODEL), held.version)


def trips(held: Shelf) -> list[str]:
    return [trip.code for trip in open_trips(breaker_events(held.store, MODEL), held.version)]


def test_old_bars_in_an_open_market_silence_a_version_and_fresh_ones_arm_but_do_not_lift_it(
    approved: Approved,
):
    shelf, at = approved
    monday = at.replace(day=12, hour=12, minute=0)
    shelf.looked(monday)
    late = watch(
        shelf.store, shelf.registry, MGC, MODEL, at=monday + timedelta(minutes=31), settings=BREAKER, codes=AT_ONCE
    )
    assert [(move.stage, move.why.partition(":")[0]) for move in late.moves] == [("shadow", "stale_data")]
    assert stage_now(shelf.store, MODEL, shelf.version, monday + timedelta(minutes=31)) == "shadow"
    assert [trip.code for trip in tripped_at(shelf.store, "MGC", monday + timedelta(minutes=40))] == ["stale_data"]
    assert tripped_at(shelf.store, "MGC", monday + timedelta(minutes=30)) == ()
    shelf.run("UPDATE journal.ml_predictions SET replayed = TRUE")  # it has tripped, so it arms itself all the same
    shelf.looked(monday + timedelta(minutes=40), codes=AT_ONCE)
    shelf.looked(monday + timedelta(minutes=50), codes=AT_ONCE)
    assert trips(shelf) == ["stale_data"]
    shelf.looked(monday + timedelta(minutes=56), codes=AT_ONCE)
    assert (trips(shelf), stage(shelf)) == ([], "shadow")


def test_a_trip_and_its_move_are_written_together_and_once(approved: Approved):
    shelf, at = approved
    late = at + timedelta(days=3)
    looks = [watch(shelf.store, shelf.registry, MGC, MODEL, at=late, settings=BREAKER) for _ in range(2)]
    assert [len(look.moves) for look in looks] == [1, 0]
    append_breaker_events(shelf.store, looks[0].events)  # another process saw the same
    assert shelf.run("SELECT count(*) FROM journal.ml_breaker WHERE kind = 'trip'") == [(1,)]


def test_inputs_that_are_missing_silence_a_version_before_its_outcomes_are_known(approved: Approved):
    shelf, at = approved
    for number in range(3):
        shelf.run(
            "INSERT INTO journal.ml_predictions BY NAME SELECT * REPLACE (prediction_id || ? AS prediction_id, "
            "?::TIMESTAMPTZ AS decided_at, 'missing_inputs' AS refusal_code) FROM journal.ml_predictions "
            "WHERE prediction_id = 'p0'",
            f"-{number}",
            at + timedelta(minutes=number),
        )
        look = shelf.looked(at + timedelta(minutes=number), codes=AT_ONCE)
        assert [move.why.partition(":")[0] for move in look.moves] == ["missing_features"] * (number == 2)
    assert stage(shelf) == "shadow"


def test_losses_of_advised_trades_silence_a_version_until_somebody_arms_it(approved: Approved):
    shelf, at = approved
    losses = BreakerSettings(max_drawdown_r=3)
    shelf.run(
        "INSERT INTO journal.ml_predictions BY NAME SELECT * REPLACE (prediction_id || '-new' AS prediction_id, "
        "decided_at + INTERVAL 6 MONTH AS decided_at, logged_at + INTERVAL 6 MONTH AS logged_at) "
        "FROM journal.ml_predictions WHERE trading_day <= '2025-01-05'"
    )
    shelf.run(
        "INSERT INTO journal.ml_outcomes BY NAME SELECT * REPLACE (prediction_id || '-new' AS prediction_id, "
        "-1.0 AS r_net_advised, known_at + INTERVAL 6 MONTH AS known_at, settled_at + INTERVAL 6 MONTH AS settled_at) "
        "FROM journal.ml_outcomes WHERE prediction_id IN (SELECT replace(prediction_id, '-new', '') FROM "
        "journal.ml_predictions WHERE prediction_id LIKE '%-new')"
    )
    later = at.replace(month=7, day=7, hour=12)
    bar(shelf.store, later)
    look = watch(shelf.store, shelf.registry, MGC, MODEL, at=later + timedelta(minutes=1), settings=losses)
    assert [move.why.partition(":")[0] for move in look.moves] == ["drawdown"]
    assert breaker_check(breaker_events(shelf.store, MODEL), shelf.version).passed is False
    done, reasons = arm(
        shelf.store, MODEL, shelf.version, "drawdown", at=later + timedelta(hours=1), by="Ann", why="five bad fills"
    )
    assert (done is not None, reasons) == (True, ())
    again = watch(shelf.store, shelf.registry, MGC, MODEL, at=later + timedelta(hours=1), settings=BREAKER)
    reads = {reading.code: reading for reading in again.readings[shelf.version]}
    assert (reads["drawdown"].state, reads["drawdown"].value) == ("within", 0.0)  # it looks at what comes after
    assert ("drawdown" in trips(shelf), stage(shelf)) == (False, "shadow")


def test_a_new_version_takes_the_place_of_a_damaged_one(shelf: Shelf):
    at = after(shelf.table)
    next((shelf.registry.root / MODEL).glob("v_*/model.txt")).unlink()
    shelf.looked(at, codes=AT_ONCE)
    assert [trip.code for trip in tripped_at(shelf.store, "MGC", at)] == ["damaged_model"]
    shelf.registry.publish(MODEL, draft(seed=2), now=MADE + timedelta(hours=1), who="test", why="newer")
    shelf.looked(at + timedelta(minutes=1), codes=AT_ONCE)
    assert tripped_at(shelf.store, "MGC", at + timedelta(minutes=1)) == ()
    assert trips(shelf) == ["damaged_model"]


def test_the_gate_cannot_tell_before_every_code_was_looked_at(approved: Approved):
    shelf, at = approved
    assert breaker_check((), shelf.version).passed is None
    look = shelf.looked(at)
    assert [reading.code for reading in look.readings[shelf.version]] == list(CODES)
    events = breaker_events(shelf.store, MODEL)
    assert breaker_check(events, shelf.version).passed is True
    assert breaker_check(events[:-1], shelf.version).passed is None


@pytest.mark.parametrize("name", ["manifest.json", "metadata.json"])
def test_a_version_whose_files_cannot_be_trusted_is_silent_at_the_next_forecast(approved: Approved, name: str):
    shelf, at = approved
    path = next((shelf.registry.root / MODEL).glob(f"v_*/{name}"))
    path.chmod(0o644)
    path.write_text("{")
    look = shelf.looked(at + timedelta(minutes=1), codes=AT_ONCE)
    assert [move.stage for move in look.moves] == ["shadow"]
