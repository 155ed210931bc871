"""Three processes on one home for a minute: `python -m bench.load [SECONDS]`.

One reads as pages do: eight threads, each of which asks three questions every 200 ms. One writes a prediction every
50 ms, which is more than any live loop does. One builds the whole history again every nine seconds. A read or a write
counts from asking until it is done, waiting for the others included. Afterwards every acknowledged row is looked for.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from bench.demo_home import ASKED, FIRST, DemoHome, clock, copied, demo_home, opened
from bench.measure import ROOT, Figure
from ml_data.build import build
from ml_data.journal import append_predictions
from ml_data.store import sql
from ml_inference.shadow import decision_moments
from trading.errors import HubError

SECONDS, READERS = 60.0, 8
READ_EVERY, WRITE_EVERY, BUILD_EVERY = 0.2, 0.05, 9.0
SHARES = (0.5, 0.95, 0.99)
TARGETS = {"read": (10.0, 29.0, 47.0), "write": (10.0, 31.0, 41.0)}
"""Milliseconds at each of `SHARES`, as the design of the store promises them."""


@dataclass
class Told:
    """What a process did: milliseconds of each time, the errors it met, the ids of the rows that were acknowledged."""

    milliseconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def timed(self, work: Callable[[], object]) -> bool:
        """Do `work`, and return whether it was done."""
        begun = time.perf_counter()
        try:
            work()
        except HubError as error:
            self.failed.append(str(error))
            return False
        self.milliseconds.append(1e3 * (time.perf_counter() - begun))
        return True


def figures(seconds: float = SECONDS) -> list[Figure]:
    """Return the rows of the load."""
    with demo_home() as made, copied(made) as home:
        found = _together(home, seconds)
        wrong = _lost_and_doubled(home, found["write"].written)
    rows = []
    for role, targets in TARGETS.items():
        spent = found[role].milliseconds
        work = f"{role}s under load ({len(spent):,} in {seconds:g} s)"
        for share, target in zip(SHARES, targets, strict=True):
            value = float(np.quantile(spent, share))
            rows.append(Figure(f"{work}, p{share * 100:.0f}", "–", f"{value:.1f} ms", value, target, "ms"))
    builds = found["build"].milliseconds
    beside = f"beside {len(builds)} builds of the whole history, {np.median(builds):.0f} ms each"
    failed = [error for told in found.values() for error in told.failed]
    words = f"{len(failed)} failed, {wrong} lost or doubled" + (f"; the first: {failed[0]}" if failed else "")
    rows.append(
        Figure(f"operations that failed, rows lost or doubled, {beside}", "–", words, len(failed) + wrong, 0.0, "")
    )
    return rows


def _together(home: DemoHome, seconds: float) -> dict[str, Told]:
    processes = {
        role: subprocess.Popen(
            [sys.executable, "-m", "bench.load", role, str(home.store.home), str(seconds)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for role in _ROLES
    }
    for process in processes.values():
        if process.stdout is not None:
            process.stdout.readline()  # it is ready
    for process in processes.values():
        if process.stdin is not None:
            process.stdin.write("go\n")
            process.stdin.flush()
    return {role: Told(**json.loads(process.communicate()[0])) for role, process in processes.items()}


def _lost_and_doubled(home: DemoHome, written: list[str]) -> int:
    with home.store.journal() as cursor:
        stored = Counter(
            row[0] for row in cursor.execute("SELECT prediction_id FROM journal.ml_predictions").fetchall()
        )
    return len(set(written) - set(stored)) + sum(times - 1 for times in stored.values())


def _every(seconds: float, until: float, work: Callable[[], object]) -> None:
    """Do `work` once in `seconds` until `until`; what took longer is not made up for."""
    due = time.monotonic()
    while due < until:
        work()
        due = max(due + seconds, time.monotonic())
        time.sleep(max(0.0, min(due, until) - time.monotonic()))


def _read(home: DemoHome, until: Callable[[], float]) -> Told:
    told, symbol = Told(), home.instrument.symbol
    since, before = clock() - timedelta(days=3000), clock()
    with home.store.market() as cursor:
        [(_, last)] = cursor.execute(sql("bar_bounds"), {"instrument": symbol}).fetchall()
    day = {"instrument": symbol, "since": last - timedelta(days=1), "before": last}
    newest = {"instrument": symbol, "model": "directional-DEMO", "version": "bench", "count": 20}

    def bounds() -> None:
        with home.store.market() as cursor:
            cursor.execute(sql("bar_bounds"), {"instrument": symbol}).fetchall()

    def bars() -> None:
        with home.store.market() as cursor:
            cursor.sql(sql("bars_between"), params=day).to_arrow_table()

    def forecasts() -> None:
        with home.store.journal() as cursor:
            cursor.execute(sql("last_live_forecasts"), {**newest, "after": since, "known_by": before}).fetchall()

    def page() -> None:
        for question in (bounds, bars, forecasts):
            told.timed(question)

    ends = until()
    threads = [threading.Thread(target=_every, args=(READ_EVERY, ends, page)) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def _write(home: DemoHome, until: Callable[[], float]) -> Told:
    told = Told()
    sample = replace(home.engine().predict(next(decision_moments(home.instrument, *ASKED))), version="bench")

    def prediction() -> None:
        name = f"load-{len(told.milliseconds) + len(told.failed)}"
        row = replace(sample, prediction_id=name)
        if told.timed(lambda: append_predictions(home.store, [row], clock())):
            told.written.append(name)

    _every(WRITE_EVERY, until(), prediction)
    return told


def _build(home: DemoHome, until: Callable[[], float]) -> Told:
    told = Told()
    _every(BUILD_EVERY, until(), lambda: told.timed(lambda: build(home.store, home.instrument, since=FIRST)))
    return told


_ROLES = {"read": _read, "write": _write, "build": _build}


def _child(role: str, folder: Path, seconds: float) -> None:
    home = opened(folder)

    def begun() -> float:
        print("ready", flush=True)
        sys.stdin.readline()
        return time.monotonic() + seconds

    print(json.dumps(asdict(_ROLES[role](home, begun))))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _child(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
    else:
        print(*(figure.row for figure in figures(float(sys.argv[1]) if sys.argv[1:] else SECONDS)), sep="\n")
