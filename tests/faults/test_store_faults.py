"""The store when writers are killed, many use it at once, or somebody else has it."""

import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from ml_data.store import Store
from tests.faults.store_child import child, filled, next_line, refusal, said, stored
from trading.errors import StoreBusy


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


# Killed


def test_a_writer_killed_at_any_moment_loses_no_acknowledged_row_and_leaves_no_partial_transaction(home: Path):
    script = """
store = Store(home)
for number in range(100_000):
    name = f"{sys.argv[2]}-{number}"
    add(store, name)
    print(name, flush=True)
"""
    moments = random.Random(20250307)  # noqa: S311
    acknowledged: set[str] = set()
    for attempt in range(10):
        with child(script, home, str(attempt)) as writer:
            acknowledged.add(next_line(writer))
            time.sleep(moments.uniform(0.0, 0.12))
            writer.send_signal(signal.SIGKILL)
            out, _ = writer.communicate()
        # The last line may have been cut by the kill: it is an acknowledgement only with its newline.
        acknowledged.update(line.strip() for line in out.splitlines(keepends=True) if line.endswith("\n"))
        found = stored(home)
        assert acknowledged - set(found) == set(), "acknowledged and lost"
        assert set(found.values()) == {6}, "a transaction is there in part"
    assert len(acknowledged) >= 10


def test_a_process_killed_while_it_makes_the_store_leaves_one_that_opens(home: Path):
    script = """
import threading
def die():
    time.sleep(float(sys.argv[2])); os.kill(os.getpid(), 9)
store = Store(home)
threading.Thread(target=die, daemon=True).start()
add(store, "first")
time.sleep(60)
"""
    for milliseconds in (1, 3, 5, 8, 12, 20):
        place = home / str(milliseconds)
        with child(script, place, str(milliseconds / 1000)) as maker:
            maker.wait(timeout=60)
        assert stored(place) in (Counter(), Counter({"first": 6}))


def test_a_kill_right_after_the_commit_leaves_no_commit_behind_an_old_stamp(home: Path):
    script = """
store = Store(home)
add(store, "p1")
print(store.stamp("journal"), flush=True)
store._detach = lambda alias: os.kill(os.getpid(), 9)
add(store, "p2")
"""
    with child(script, home) as writer:
        before = int(next_line(writer))
        writer.wait(timeout=60)
    store = Store(home)
    assert store.stamp("journal") not in (0, before)
    store.close()
    assert stored(home) == Counter({"p1": 6, "p2": 6})


def test_the_lease_of_a_killed_process_is_free_at_once(home: Path):
    script = """
store = Store(home)
with store.journal_write():
    print("holding", flush=True)
    time.sleep(60)
"""
    with child(script, home) as holder:
        next_line(holder)
        holder.kill()
        holder.wait()
        started = time.monotonic()
        assert stored(home) == Counter()
    assert time.monotonic() - started < 5.0


# Many at once


def test_processes_and_threads_that_write_and_read_lose_nothing_and_meet_no_error(home: Path):
    script = """
store = Store(home)
failed = []

def write(name):
    try:
        for number in range(15):
            add(store, f"{name}-{number}")
    except BaseException as error:
        failed.append(repr(error))

def read():
    try:
        for _ in range(30):
            with store.journal() as cursor:
                partial = cursor.execute(
                    "SELECT prediction_id, count(*) FROM journal.ml_actions GROUP BY 1 HAVING count(*) <> 6").fetchall()
            if partial:
                failed.append(f"saw a part: {partial}")
    except BaseException as error:
        failed.append(repr(error))

threads = [threading.Thread(target=write, args=(f"{sys.argv[2]}-{n}",)) for n in range(2)]
threads += [threading.Thread(target=read) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
store.close()
print(failed)
"""
    with child(script, home, "a") as first, child(script, home, "b") as second:
        assert said(first) == ["[]"]
        assert said(second) == ["[]"]
    expected = {f"{process}-{thread}-{number}" for process in "ab" for thread in range(2) for number in range(15)}
    found = stored(home)
    assert set(found) == expected
    assert set(found.values()) == {6}


def test_a_process_that_never_stops_reading_does_not_keep_another_from_writing(home: Path):
    script = """
store = Store(home)
def read():
    while True:
        with store.journal() as cursor:
            cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchall()
for _ in range(4):
    threading.Thread(target=read, daemon=True).start()
print("reading", flush=True)
time.sleep(60)
"""
    store = Store(home)
    with child(script, home) as reader:
        next_line(reader)
        slowest = 0.0
        for number in range(10):
            started = time.monotonic()
            with store.journal_write() as cursor:
                cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'a')", [str(number)])
            slowest = max(slowest, time.monotonic() - started)
    store.close()
    assert slowest < 5.0, "a reading process keeps the file for 0.05 s at a time"


# Held by others


def test_a_store_held_by_another_process_for_too_long_is_told_with_the_holder(home: Path):
    script = """
store = Store(home)
with store.market_write():
    print(os.getpid(), flush=True)
    time.sleep(60)
"""
    filled(home)
    with child(script, home) as holder:
        process = next_line(holder)
        told = refusal(home)
        assert isinstance(told, StoreBusy)
        assert str(told) == (
            f"{home}/market.duckdb: process {process} (-c {home}) held it for longer than 0.2 s; "
            "wait for it, or end it."
        )
        assert told.__cause__ is not None
    store = Store(home)
    with store.market() as cursor:
        assert cursor.execute("SELECT count(*) FROM market.bar_rejects").fetchall() == [(20000,)]
    store.close()


def test_a_file_that_another_program_has_open_is_told_with_its_number_and_waited_for(home: Path):
    script = """
import duckdb
other = duckdb.connect(str(home / "market.duckdb"))
print(os.getpid(), flush=True)
time.sleep(60)
"""
    filled(home)
    with child(script, home) as holder:
        process = next_line(holder)
        told = refusal(home)
        assert isinstance(told, StoreBusy)
        assert f"(PID {process}) outside the hub; close it there and try again." in str(told)
        assert isinstance(told.__cause__, duckdb.IOException)
        store = Store(home, wait=20.0)
        threading.Timer(0.3, holder.kill).start()
        with store.market() as cursor:
            assert cursor.execute("SELECT count(*) FROM market.bar_rejects").fetchall() == [(20000,)]
        store.close()
