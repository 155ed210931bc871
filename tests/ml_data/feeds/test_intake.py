"""A feed's bars in the store: equal to a clean import bit for bit, and every fault of the feed named."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ml_data.feeds.base import Delivery, bars_table
from ml_data.feeds.intake import Intake, Taken
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from tests.hub_home import ROOT
from tests.ml_data.feeds.feed_bars import MINUTE, at, bar, delivery, kinds, stored
from trading.domain.instrument import read_instrument
from trading.errors import BadBars, StoreError

BTC = read_instrument(ROOT / "config" / "instruments" / "BTCUSDT.toml")
NOW = at("23:00")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def intake_of(store: Store) -> Intake:
    return Intake(store, BTC, "feed test", delay=timedelta(seconds=2), hole_minutes=5)


def starts(store: Store) -> list[str]:
    return [f"{row[1]:%H:%M}" for row in stored(store, BTC)]


def told(taken: Taken, kind: str) -> str:
    [sentence] = [notice.sentence for notice in taken.notices if notice.kind == kind]
    return sentence


def test_new_bars_are_stored_and_the_newest_is_known_also_by_the_next(store: Store):
    intake = intake_of(store)
    assert intake.newest is None
    taken = intake.take(delivery(bar("14:01"), bar("14:02")), NOW)
    assert (taken.stored, taken.newest, kinds(taken.notices)) == (2, at("14:02"), ["stored"])
    assert intake_of(store).newest == at("14:02")


def test_what_is_stored_already_is_not_written_again(store: Store):
    intake = intake_of(store)
    intake.take(delivery(bar("14:01"), bar("14:02")), NOW)
    stamp = store.stamp("market")
    taken = intake.take(delivery(bar("14:01"), bar("14:02")), NOW)
    assert (taken.stored, kinds(taken.notices)) == (0, ["repeated"])
    assert store.stamp("market") == stamp


def test_a_bar_that_changed_is_a_revision(store: Store):
    intake = intake_of(store)
    intake.take(delivery(bar("14:01", 100.0)), NOW)
    taken = intake.take(delivery(bar("14:01", 101.0), bar("14:02")), NOW)
    assert (taken.stored, taken.revised) == (1, 1)
    assert "BTCUSDT 2024-03-05 14:01Z open 100, now 101" in told(taken, "revised")
    with store.market() as cursor:
        rows = cursor.execute("SELECT old_close, new_close FROM market.bar_revisions").fetchall()
    assert rows == [(100.0, 101.0)]


def test_bars_that_come_late_fill_their_place_and_are_named(store: Store):
    intake = intake_of(store)
    intake.take(delivery(bar("14:01"), bar("14:05")), NOW)
    taken = intake.take(delivery(bar("14:03"), bar("14:02")), NOW)
    assert told(taken, "late") == "2 bars came after newer ones, the first of 2024-03-05 14:02Z."
    assert starts(store) == ["14:01", "14:02", "14:03", "14:05"]
    assert intake.newest == at("14:05")


def test_a_hole_is_named_with_the_minutes_in_which_the_market_was_open(store: Store):
    intake = intake_of(store)
    intake.take(delivery(bar("14:01")), NOW)
    assert "hole" not in kinds(intake.take(delivery(bar("14:07")), NOW).notices)  # five minutes are allowed
    taken = intake.take(delivery(bar("14:14")), NOW)
    assert told(taken, "hole") == (
        "a hole from 2024-03-05 14:08Z to 2024-03-05 14:14Z: 6 minutes of open market without a bar."
    )


def test_what_cannot_be_a_bar_is_rejected_once_and_stops_nothing(store: Store):
    intake = intake_of(store)
    impossible = ("BTCUSDT", int(at("14:02").timestamp()), 100.0, 90.0, 95.0, 100.0, 1.0)
    taken = intake.take(delivery(impossible), NOW)
    assert told(taken, "rejected") == "a bar cannot be used, that of 2024-03-05 14:02Z: high is below low."
    taken = intake.take(delivery(impossible, bar("14:03")), NOW)
    assert (taken.stored, kinds(taken.notices)) == (1, ["stored"])
    with store.market() as cursor:
        rows = cursor.execute("SELECT reason FROM market.bar_rejects").fetchall()
    assert rows == [("high is below low",)]


def test_a_feed_at_another_price_level_is_refused_and_the_store_stays_as_it_is(store: Store):
    intake = intake_of(store)
    intake.take(delivery(bar("14:01", 50_000.0)), NOW)
    taken = intake.take(delivery(bar("14:02", 50_000.0 * 1_000)), NOW)
    assert "its prices are about 1,000 times those that are stored" in told(taken, "refused")
    assert starts(store) == ["14:01"]


def test_bars_of_five_minutes_are_not_taken_for_bars_of_one(store: Store):
    rows = [bar(f"{14 + minute // 60}:{minute % 60:02d}") for minute in range(0, 100, 5)]
    with pytest.raises(BadBars, match="expected one-minute bars, found 5-minute bars"):
        intake_of(store).take(delivery(*rows), NOW)
    intake = intake_of(store)
    for row in rows[:6]:
        intake.take(delivery(row), NOW)
    with pytest.raises(BadBars, match="expected one-minute bars, found 5-minute bars"):
        intake.take(delivery(rows[6]), NOW)


def test_bars_wait_when_the_store_cannot_be_written_and_none_is_lost(store: Store, monkeypatch: pytest.MonkeyPatch):
    intake = intake_of(store)
    with monkeypatch.context() as broken:
        broken.setattr("ml_data.feeds.intake.ingest_bars", _full)
        for minute in ("14:01", "14:02"):
            with pytest.raises(StoreError):
                intake.take(delivery(bar(minute)), NOW)
    assert intake.is_behind
    assert intake.take(delivery(bar("14:03")), NOW).stored == 3
    assert not intake.is_behind


def _full(*_: object, **__: object) -> None:
    raise StoreError("market.duckdb: the disk is full.")


def _market(seed: int) -> list[tuple]:
    chance = random.Random(seed)  # noqa: S311
    rows, price = [], 60_000
    for minute in range(150):
        price += chance.randrange(-50, 51)
        if chance.random() < 0.9:
            values = sorted(price + chance.randrange(-20, 21) for _ in range(4))
            inner = values[1:3]
            chance.shuffle(inner)
            start = int((at("10:00") + minute * MINUTE).timestamp())
            rows.append(
                ("BTCUSDT", start, inner[0] / 100, values[3] / 100, values[0] / 100, inner[1] / 100, 1.0 * minute)
            )
    return rows


@pytest.mark.parametrize("seed", range(2))
def test_a_feed_with_every_fault_leaves_the_store_of_a_clean_import_bit_for_bit(tmp_path: Path, seed: int):
    rows, chance = _market(seed), random.Random(seed + 100)  # noqa: S311
    clean = Store(tmp_path / "clean")
    ingest_bars(clean, BTC, [bars_table(rows)], source_name="clean", now=NOW)
    wanted = stored(clean, BTC)
    clean.close()
    store, seen, place, withheld = Store(tmp_path / "fed"), set(), 0, []
    intake = intake_of(store)
    while place < len(rows):
        if (
            chance.random() < 0.1
        ):  # killed and started again: what was held is delivered again, as feeds do from `since`
            since = intake.newest
            intake = intake_of(store)
            place = 0 if since is None else next(i for i, row in enumerate(rows) if row[1] >= since.timestamp())
        size = chance.randrange(1, 12)
        batch, place = rows[place : place + size], place + size
        late = [row for row in batch if chance.random() < 0.1]
        withheld += late
        batch = [row for row in batch if row not in late]
        now = at("10:00") + timedelta(seconds=(rows[min(place, len(rows)) - 1][1] - rows[0][1]) + 70)
        if chance.random() < 0.3 and batch:
            batch += batch[-3:]  # repeats
        if chance.random() < 0.3 and place < len(rows):
            _, start, opened, *_ = rows[place]  # the minute that is not over: other values than in the end
            batch.append(("BTCUSDT", start, opened, opened, opened, opened, 0.0))
        if chance.random() < 0.3 and withheld:
            batch = [withheld.pop(), *batch]  # goes backwards
        seen |= set(kinds(intake.take(Delivery(bars_table(batch)), now).notices))
    seen |= set(kinds(intake.take(Delivery(bars_table([*withheld, *rows[-3:]])), NOW).notices))
    assert stored(store, BTC) == wanted
    assert {"stored", "repeated", "unclosed", "late"} <= seen
    store.close()


def test_a_table_without_rows_changes_nothing(store: Store):
    assert intake_of(store).take(Delivery(pa.table(bars_table([]))), NOW) == Taken(0, 0, 0, None, ())
