"""A child process that uses a store, and what is left of it when the child has ended."""

import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_data.store import Store
from trading.errors import StoreError

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
