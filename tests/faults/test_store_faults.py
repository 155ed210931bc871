"""The store when things go wrong: killed writers, many processes, damaged files, full disks, missing permissions."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from ml_data.store import Store
from trading.errors import StoreBusy, StoreError

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import os, sys, threading, time
from pathlib import Path
from ml_data.store import Store
from trading.errors import StoreError
home = Path(sys.argv[1])

def add(store, name, rows=6):
    with store.journal_write() as cursor:
        cursor.execute(
            "INSERT INTO journal.ml_actions (prediction_id, action, why) "
            "SELECT ?, 'followed', md5(?::VARCHAR || i) FROM range(?) AS r(i)", [name, name, rows])
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@contextlib.contextmanager
def child(script: str, home: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + script, str(home), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def said(process: subprocess.Popen[str]) -> list[str]:
    """Wait for the child and return the lines it printed; fail when it failed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.splitlines()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate()
    return line


def stored(home: Path) -> Counter[str]:
    """Rows of each transaction in the journal."""
    store = Store(home)
    try:
        with store.journal() as cursor:
            question = "SELECT prediction_id, count(*) FROM journal.ml_actions GROUP BY 1"
            return Counter(dict(cursor.execute(question).fetchall()))
    finally:
        store.close()


def refusal(home: Path, wait: float = 0.2, *, write: bool = False) -> StoreError:
    """What the store says when the market file is used."""
    store = Store(home, wait=wait)
    try:
        with (
            pytest.raises(StoreError) as caught,
            store.market_write() if write else store.market() as cursor,
        ):
            cursor.execute("SELECT count(*), max(length(reason)) FROM market.bar_rejects").fetchall()
    finally:
        store.close()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return caught.value


def filled(home: Path) -> bytes:
    """Make a market file of a few blocks and return its bytes."""
    store = Store(home)
    with store.market_write() as cursor:
        cursor.execute(
            "INSERT INTO market.bar_rejects SELECT 'i', i, md5(i::VARCHAR), md5('x' || i) FROM range(20000) AS r(i)"
        )
    store.close()
    return (home / "market.duckdb").read_bytes()


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
    assert len(acknowledged) > 10


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
    assert time.monotonic() - started < 2.0


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
    assert slowest < 2.0, "one turn of a reading process is 0.05 s; without turns this took seconds"


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


# Damaged or foreign files


def cut_in_half(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def cut_in_the_header(whole: bytes) -> bytes:
    return whole[:5000]


def with_damage_at(position: int) -> Callable[[bytes], bytes]:
    def damage(whole: bytes) -> bytes:
        after = position + 64
        return whole[:position] + bytes(byte ^ 0xFF for byte in whole[position:after]) + whole[after:]

    return damage


def with_damage_in_every_block_but_the_first(whole: bytes) -> bytes:
    broken = bytearray(whole)
    for at in range(12288 + 262144, len(whole), 262144):
        broken[at + 100] ^= 0xFF
    return bytes(broken)


def zeros_after_the_header(whole: bytes) -> bytes:
    return whole[:12288] + bytes(len(whole) - 12288)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda whole: b"", "expected a DuckDB file, found something else"),
        (lambda whole: b"time,open,high,low,close\n" * 500, "expected a DuckDB file, found something else"),
        (lambda whole: b"SQLite format 3\0" + bytes(4096), "expected a DuckDB file, found something else"),
        (cut_in_half, "the file is damaged"),
        (cut_in_the_header, "the file is damaged"),
        (with_damage_at(20), "the file is damaged"),
        (with_damage_at(4096 + 20), "the file is damaged"),
        (with_damage_at(8192 + 20), "the file is damaged"),
        (with_damage_at(12288 + 100), "the file is damaged"),
        (with_damage_in_every_block_but_the_first, "the file is damaged"),
        (zeros_after_the_header, "the file is damaged"),
    ],
    ids=[
        "empty", "text", "sqlite", "cut in half", "cut in the header", "damaged first page", "damaged second page",
        "damaged third page", "damaged first block", "damaged other blocks", "zeros",
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_told_in_one_sentence_and_not_touched(
    home: Path, change: Callable[[bytes], bytes], words: str
):
    broken = change(filled(home))
    (home / "market.duckdb").write_bytes(broken)
    told = refusal(home)
    assert str(told).startswith(f"{home}/market.duckdb: {words}")
    assert told.__cause__ is not None or "expected" in str(told)
    assert (home / "market.duckdb").read_bytes() == broken
    assert FileLock(f"{home}/market.duckdb.lock").acquire(timeout=0) is not None, "the lock was let go"


def test_a_duckdb_file_of_another_program_is_refused_and_not_touched(home: Path):
    home.mkdir()
    other = duckdb.connect(str(home / "market.duckdb"))
    other.execute("CREATE TABLE orders (number INTEGER)")
    other.close()
    before = (home / "market.duckdb").read_bytes()
    for write in (False, True):
        assert str(refusal(home, write=write)) == (
            f"{home}/market.duckdb: expected the hub's tables, found those of another program (orders); "
            "move the file away or choose another home folder."
        )
    assert (home / "market.duckdb").read_bytes() == before


def unfinished(home: Path) -> Path:
    """Make a journal whose last rows are only in its write-ahead log, and return the log's path."""
    script = """
store = Store(home)
add(store, "checkpointed")
store._detach = lambda alias: os.kill(os.getpid(), 9)
add(store, "only in the log")
"""
    with child(script, home) as writer:
        writer.wait(timeout=60)
    return home / "journal.duckdb.wal"


def test_rows_that_are_only_in_the_log_are_read_again_and_again_until_a_writer_comes(home: Path):
    log = unfinished(home)
    for _ in range(2):
        assert stored(home) == Counter({"checkpointed": 6, "only in the log": 6})
        assert log.exists()
    store = Store(home)
    with store.journal_write():
        pass
    store.close()
    assert not log.exists()
    assert stored(home) == Counter({"checkpointed": 6, "only in the log": 6})


def test_a_log_whose_file_is_gone_is_kept_and_told(home: Path):
    log = unfinished(home)
    (home / "journal.duckdb").rename(home / "away.duckdb")
    kept = log.read_bytes()
    store = Store(home)
    with pytest.raises(StoreError, match=r"the file is gone, but rows of it are still in journal\.duckdb\.wal"):
        store.journal().__enter__()
    assert log.read_bytes() == kept
    (home / "away.duckdb").rename(home / "journal.duckdb")
    assert stored(home) == Counter({"checkpointed": 6, "only in the log": 6})
    store.close()


def test_a_damaged_log_is_told_and_kept(home: Path):
    log = unfinished(home)
    whole = log.read_bytes()
    broken = whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 0xFF]) + whole[len(whole) // 2 + 1 :]
    log.write_bytes(broken)
    store = Store(home)
    with pytest.raises(StoreError, match=r"the file is damaged \(Failure while replaying WAL"):
        store.journal().__enter__()
    assert log.read_bytes() == broken
    log.write_bytes(whole)
    with store.journal() as cursor:
        assert cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchall() == [(12,)]
    store.close()


# Disk and permissions

FILL = """
store = Store(home)
for number in range(200):
    name = f"t-{number}"
    try:
        add(store, name, int(sys.argv[2]))
    except StoreError as error:
        print("refused", error, "| cause:", type(error.__cause__).__name__, flush=True)
        break
    print(name, flush=True)
"""


def check_a_full_disk(home: Path, lines: list[str], rows: int) -> None:
    *acknowledged, last = lines
    assert last.startswith(
        f"refused {home}/journal.duckdb: the disk is full, so nothing of this step was stored and nothing stored was "
        "harmed; free some space and run it again. | cause: "
    )
    assert stored(home) == Counter(dict.fromkeys(acknowledged, rows)), (
        "stored is what was acknowledged, no more no less"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of a file are a matter of Unix")
@pytest.mark.parametrize("rows", [500, 4000])
def test_a_file_that_may_not_grow_is_told_and_keeps_what_was_acknowledged(home: Path, rows: int):
    script = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_300_000, 1_300_000))\n" + FILL
    with child(script, home, str(rows)) as writer:
        check_a_full_disk(home, said(writer), rows)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    mounted = mounted and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode  # fmt: skip
    if not mounted:
        pytest.skip("mounting a small disk takes the rights of root on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("rows", [500, 4000, 60000])
def test_a_full_disk_is_told_and_keeps_what_was_acknowledged(small_disk: Path, rows: int):
    home = small_disk / "home"
    with child(FILL, home, str(rows)) as writer:
        check_a_full_disk(home, said(writer), rows)
    (small_disk / "rest").write_bytes(b"")  # the store goes on when there is space again
    store = Store(home)
    store.backup("journal", small_disk.parent / "elsewhere.duckdb")
    store.close()


def test_a_disk_too_full_to_make_the_store_is_told(small_disk: Path):
    with contextlib.suppress(OSError), (small_disk / "rest").open("wb") as rest:
        while True:
            rest.write(bytes(65536))
            rest.flush()
    assert "the disk is full" in str(refusal(small_disk / "home"))
    (small_disk / "rest").unlink()
    assert stored(small_disk / "home") == Counter()


@pytest.mark.skipif(sys.platform == "win32", reason="the bits of permissions are a matter of Unix")
@pytest.mark.parametrize("closed", ["home", "above"])
def test_a_home_folder_without_write_permission_is_told(home: Path, closed: str):
    folder = home if closed == "home" else home.parent / "above"
    folder.mkdir()
    place = folder if closed == "home" else folder / "home"
    script = """
if os.geteuid() == 0:
    import encodings.idna, duckdb, filelock
    os.setuid(65534)
store = Store(home)
try:
    with store.market(): pass
except StoreError as error:
    print(error, "| cause:", type(error.__cause__).__name__)
"""
    for parent in (folder, *folder.parents[:3]):
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(0o755)
    folder.chmod(0o555)
    with child(script, place) as reader:
        lines = said(reader)
    folder.chmod(0o755)
    assert len(lines) == 1
    assert lines[0].startswith(f"{place}: no permission to use it (")
    assert lines[0].endswith(
        "; change the permissions of the file and its folder, or choose another home folder. | cause: PermissionError"
    )


def test_a_home_that_is_a_file_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    told = refusal(tmp_path / "file")
    assert str(told).startswith(f"{tmp_path}/file: cannot be used (")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_question_that_needs_too_much_memory_is_told(home: Path):
    store = Store(home, memory_limit="10MB")
    with pytest.raises(StoreError, match="needs more memory than the store may use"), store.market() as cursor:
        cursor.execute("SELECT list(i) FROM range(5000000) AS r(i)").fetchall()
    with store.market() as cursor:
        assert cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall() == [(0,)]
    store.close()
