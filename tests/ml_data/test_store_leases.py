"""Leases and change stamps: who may use a file of the store now, and how others learn that it changed."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ml_data import lease
from ml_data import store as store_module
from ml_data.store import Store
from tests.ml_data.store_use import act, acts, in_threads
from trading.errors import StoreBusy


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    made = Store(home)
    yield made
    made.close()


# Leases


def test_threads_of_one_process_share_a_read_lease(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "JOIN_SECONDS", 60.0)
    inside = threading.Barrier(4, timeout=20)

    def read() -> None:
        with store.market() as cursor:
            cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall()
            inside.wait()  # nobody gets past before all four are in

    assert in_threads(*[read] * 4) == []


def test_a_reader_does_not_join_an_old_lease_so_that_a_waiting_writer_gets_its_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lease, "JOIN_SECONDS", 0.0)
    order: list[str] = []
    opened = threading.Event()

    def first() -> None:
        with store.journal():
            opened.set()
            time.sleep(0.2)
            order.append("first reader leaves")

    def second() -> None:
        opened.wait()
        with store.journal():
            order.append("second reader enters")

    assert in_threads(first, second) == []
    assert order == ["first reader leaves", "second reader enters"]


def test_threads_that_share_a_lease_never_see_the_rows_of_another_thread(store: Store):
    wrong: list[tuple[int, object]] = []

    def ask(number: int) -> None:
        for _ in range(60):
            with store.market() as cursor:
                cursor.register("mine", pa.table({"number": [number] * 50}))
                rows = cursor.execute(
                    "SELECT number, count(*) FROM mine, (SELECT ? AS n) WHERE n = number GROUP BY number", [number]
                ).fetchall()
            if rows != [(number, 50)]:
                wrong.append((number, rows))

    assert in_threads(*[lambda n=n: ask(n) for n in range(8)]) == []
    assert wrong == []


def test_a_write_lease_is_alone_among_the_threads_too(store: Store):
    inside = 0
    most = 0

    def write() -> None:
        nonlocal inside, most
        for number in range(5):
            with store.journal_write() as cursor:
                inside += 1
                most = max(most, inside)
                cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'a')", [str(number)])
                time.sleep(0.002)
                cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'b')", [str(number)])
                inside -= 1

    def read() -> None:
        for _ in range(20):
            with store.journal() as cursor:
                counts = cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchone()
            assert counts is not None
            assert counts[0] % 2 == 0, "a reader saw half a transaction"

    assert in_threads(write, read, write, read, write) == []
    assert most == 1
    assert len(acts(store)) == 30


def test_threads_are_served_in_the_order_they_came(store: Store):
    queue = store._leases["journal"]._queue
    order: list[str] = []

    def write(name: str) -> None:
        with store.journal_write():
            order.append(name)

    def read(name: str) -> None:
        with store.journal():
            order.append(name)

    threads = [
        threading.Thread(target=write, args=("first writer",)),
        threading.Thread(target=read, args=("reader",)),
        threading.Thread(target=write, args=("second writer",)),
    ]
    with store.journal_write():
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            while len(queue) < waiting:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == ["first writer", "reader", "second writer"]


def test_a_lease_that_another_thread_holds_too_long_is_told_as_busy(home: Path):
    store = Store(home, wait=0.05)
    opened, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store.journal_write():
            opened.set()
            done.wait(20)

    def ask() -> None:
        opened.wait(20)
        try:
            with pytest.raises(StoreBusy) as refusal, store.journal():
                pass
        finally:
            done.set()
        assert str(refusal.value) == (
            f"{home}/journal.duckdb: another part of this program held it for longer than 0.05 s; try again."
        )

    assert in_threads(hold, ask) == []
    assert acts(store) == [], "the lease is free again"
    store.close()


def test_a_thread_may_lease_again_what_it_reads(store: Store):
    with store.journal(), store.journal() as cursor:
        assert cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchall() == [(0,)]
    act(store, "p1")
    assert acts(store) == ["p1"]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("journal", "journal_write", "leave it before the next"),
        ("journal_write", "journal", "leave it before the next"),
        ("journal_write", "journal_write", "leave it before the next"),
        ("journal", "market", "lease market before journal"),
        ("journal_write", "market_write", "lease market before journal"),
    ],
)
def test_a_lease_that_would_wait_for_itself_is_refused_at_once(store: Store, first: str, second: str, words: str):
    with (
        pytest.raises(RuntimeError, match=words),
        getattr(store, first)() as cursor,
        getattr(store, second)(),
    ):
        cursor.execute("SELECT 1").fetchall()
    act(store, "p1")
    assert acts(store) == ["p1"], "both leases are free again"


def test_a_result_left_open_does_not_keep_the_file_locked(store: Store, home: Path):
    act(store, "p1")
    with store.journal() as cursor:
        cursor.execute("SELECT * FROM journal.ml_actions, range(1000000)")
        cursor.fetchone()
    elsewhere = duckdb.connect(str(home / "journal.duckdb"))
    assert elsewhere.execute("SELECT prediction_id FROM ml_actions").fetchall() == [("p1",)]
    elsewhere.close()


def test_a_store_refuses_to_be_used_in_a_forked_process(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="does not survive a fork"), store.market():
        pass


# Bursts of writes


def in_burst(store: Store) -> list[str]:
    written = [f"p{number}" for number in range(store_module.BURST_WRITES + 1)]
    for name in written:
        act(store, name)
    return written


@pytest.fixture
def log(home: Path) -> Path:
    return home / "journal.duckdb.wal"


def test_a_few_writes_and_many_that_come_slowly_leave_no_log(store: Store, log: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(20):
        monkeypatch.setattr(store_module, "BURST_SECONDS", 0.0 if number >= store_module.BURST_WRITES - 1 else 600.0)
        act(store, f"p{number}")
        assert not log.exists()


def test_the_rows_of_a_burst_stay_in_the_log_where_everybody_sees_them_until_the_store_is_closed(
    store: Store, home: Path, log: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store_module, "BURST_SECONDS", 600.0)
    written = in_burst(store)
    assert log.stat().st_size > 0
    other = Store(home)
    assert acts(other) == acts(store) == written
    other.close()
    store.close()
    assert not log.exists()
    again = Store(home)
    assert acts(again) == written
    again.close()


def test_a_long_burst_writes_its_file_whenever_the_log_has_grown(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store_module, "BURST_SECONDS", 600.0)
    sizes = []
    for number in range(400):
        act(store, f"p{number:03}")
        sizes.append(log.stat().st_size if log.exists() else 0)
    assert max(sizes) <= store_module.BURST_BYTES
    assert sizes.count(0) > 2
    assert acts(store) == [f"p{number:03}" for number in range(400)]


def test_the_first_write_after_a_burst_takes_the_rows_of_all_into_the_file(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store_module, "BURST_SECONDS", 600.0)
    written = in_burst(store)
    assert log.exists()
    monkeypatch.setattr(store_module, "BURST_SECONDS", 0.0)
    act(store, "z")
    assert not log.exists()
    assert acts(store) == [*written, "z"]


# Change stamps


def test_every_commit_changes_the_stamp_and_reading_does_not(store: Store):
    stamps = [store.stamp("journal")]
    for number in range(100):
        act(store, str(number))
        stamps.append(store.stamp("journal"))
        if number % 10 == 0:
            acts(store)
            assert store.stamp("journal") == stamps[-1]
    assert stamps[0] == 0
    assert len(set(stamps)) == 101
    assert max(stamps) < 2**53, "exact in JSON"


def test_the_stamps_of_the_two_files_are_their_own(store: Store):
    acts(store)
    with store.market() as cursor:
        cursor.execute("SELECT 1").fetchall()
    market, journal = store.stamp("market"), store.stamp("journal")
    act(store, "p1")
    assert store.stamp("market") == market
    assert store.stamp("journal") != journal


def test_the_stamp_is_read_without_a_lease_and_another_store_sees_it(store: Store, home: Path):
    other = Store(home, wait=0.05)
    with store.journal_write():
        before = other.stamp("journal")
        with pytest.raises(StoreBusy), other.journal():
            pass
    assert other.stamp("journal") == store.stamp("journal") != before
    other.close()


def test_what_is_read_after_taking_a_stamp_is_at_least_as_new_as_the_stamp(home: Path):
    # A reader that keeps rows by stamp is right as long as an unchanged stamp means unchanged rows.
    writer, reader = Store(home), Store(home)
    kept: dict[int, int] = {}
    older: list[tuple[int, int, int]] = []
    done = threading.Event()

    def write() -> None:
        for number in range(40):
            act(writer, str(number))
        done.set()

    def read() -> None:
        while not done.is_set():
            stamp = reader.stamp("journal")
            count = len(acts(reader))
            if stamp == reader.stamp("journal") and kept.setdefault(stamp, count) != count:
                older.append((stamp, kept[stamp], count))

    assert in_threads(write, read) == []
    assert older == []
    assert len(acts(reader)) == 40
    writer.close()
    reader.close()
