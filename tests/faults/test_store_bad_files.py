"""The store on damaged or foreign files, on a full disk, without permission: one sentence, nothing harmed."""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from ml_data.store import Store
from tests.faults.store_child import child, filled, refusal, said, stored
from trading.errors import StoreError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


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


def test_a_file_put_back_beside_the_log_of_another_is_told_and_both_are_kept(home: Path):
    store = Store(home)
    store.backup("journal", home / "backup.duckdb")
    store.close()
    log = unfinished(home)
    kept = log.read_bytes()
    (home / "journal.duckdb").rename(home / "away.duckdb")
    (home / "backup.duckdb").rename(home / "journal.duckdb")
    store = Store(home)
    for lease in (store.journal, store.journal_write):
        with pytest.raises(StoreError, match="wal beside it was written for another copy of this file"):
            lease().__enter__()
    store.close()
    assert log.read_bytes() == kept
    log.rename(home / "away.wal")
    assert stored(home) == Counter()


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
