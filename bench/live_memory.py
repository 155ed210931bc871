"""A day of market time along a live feed, minute by minute at full speed: `python -m bench.live_memory`.

A store of the last months up to a morning is followed as a live feed is: each minute's bars are delivered, checked,
stored, history is built, every model is asked when its moment has come, outcomes are settled. Memory is what a process
that does nothing else holds after four hours, and at the end. `python -m bench.live_memory HOME SYMBOL DAYS` does so
along the last stored days of a home of yours, which is left as it is.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.demo_home import demo_home
from bench.measure import ROOT, Figure
from ml_data.build import build
from ml_data.feeds.base import Delivery
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.live import Clocks, LiveLoop, LiveRules
from ml_inference.panel import Panel
from ml_inference.roster import everybody
from ml_models.model_registry import ModelRegistry
from ml_monitoring.outcome_logger import settle
from ml_scripts.process_memory import memory_bytes
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument, read_instrument

TARGET, WARM_UP, LAST = 1.05, 240, 60
"""The ratio, and the minutes of market time before which nothing is measured, and over which each end is."""

_MONTHS = timedelta(days=120)


def figures() -> list[Figure]:
    """Return the row of a day along a live feed."""
    with demo_home() as home:
        found = json.loads(_child(home, home / "registry", "DEMO", 1))
    work = f"a live feed for {found['minutes'] / 60:.0f} hours of market time, in {found['seconds']:.0f} s"
    first, last = (found[name] / 1e6 for name in ("first", "last"))
    ours = f"{last:.0f} MB ({found['answered']} forecasts, {found['settled']} outcomes)"
    return [Figure(work, f"{first:.0f} MB after 4 hours", ours, last / first, TARGET)]


def _child(stores: Path, registry: Path, symbol: str, days: int) -> str:
    command = [sys.executable, "-m", "bench.live_memory", str(stores), str(registry), symbol, str(days)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@dataclass
class Minutes:
    """A feed whose bars are put into it."""

    bars: pa.Table = field(default_factory=BARS.empty_table)
    name: str = "minutes"
    poll_seconds: float | None = 1.0
    settles_after: float = 0.0

    def newest(self, since: datetime | None, now: datetime) -> Delivery:  # noqa: ARG002 - it has what it was given
        """Return the bars that are in it."""
        return Delivery(self.bars)

    def close(self) -> None:
        """Nothing is held."""


def followed(stores: Path, registry: Path, symbol: str, days: int) -> dict[str, float]:
    """Follow the last `days` stored days of an instrument in a store of its own; return what it came to."""
    instrument = read_instrument(ROOT / "config" / "instruments" / f"{symbol}.toml")
    bars, cut = _last_bars(stores, instrument, days)
    with tempfile.TemporaryDirectory() as folder:
        store, at = Store(Path(folder)), [cut]
        before = bars.filter(pc.less(bars["ts"], pa.scalar(cut)))
        ingest_bars(store, instrument, [before], source_name="before", now=cut)
        build(store, instrument)
        feed, shelf = Minutes(), ModelRegistry(registry)
        loop = LiveLoop(
            store,
            Panel(store, shelf, instrument, who=lambda: everybody(shelf, symbol), clock=lambda: at[0]),
            feed,
            rules=LiveRules(timedelta(seconds=2), timedelta(seconds=30), hole_minutes=5, silent_minutes=10),
            clocks=Clocks(lambda: at[0], lambda: at[0]),
            start=lambda _: cut,
            settle=lambda now: settle(store, instrument, now=now),
            tell=lambda _: None,
        )
        after = bars.filter(pc.greater_equal(bars["ts"], pa.scalar(cut)))
        stamps = after["ts"].to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(stamps)) + 1).tolist(), len(after)]
        held, answered, settled, begun = [], 0, 0, time.perf_counter()
        for first, last in pairwise(edges):
            feed.bars = after.slice(first, last - first)
            at[0] = feed.bars["ts"][0].as_py() + timedelta(seconds=63)
            report = loop.step()
            answered, settled = answered + report.answered, settled + report.settled
            held.append(memory_bytes() or 0)
            if len(held) % LAST == 0:
                print(f"{len(held)} minutes, {held[-1] / 1e6:.0f} MB", file=sys.stderr, flush=True)
        seconds = time.perf_counter() - begun
        store.close()
    first_held = float(np.median(held[WARM_UP : WARM_UP + LAST]))
    return {
        "minutes": len(held),
        "seconds": seconds,
        "first": first_held,
        "last": float(np.median(held[-LAST:])),
        "answered": answered,
        "settled": settled,
    }


def _last_bars(stores: Path, instrument: Instrument, days: int) -> tuple[pa.Table, datetime]:
    """Return the bars of the last months, and when the last `days` of them with bars begin."""
    store = Store(stores)
    asked = {"instrument": instrument.symbol}
    with store.market() as cursor:
        [(newest,)] = cursor.execute(
            "SELECT max(ts) FROM market.bars_1m WHERE instrument = $instrument", asked
        ).fetchall()
        bars = cursor.sql(
            "SELECT contract, ts, open, high, low, close, volume FROM market.bars_1m "
            "WHERE instrument = $instrument AND ts >= $since ORDER BY ts",
            params=asked | {"since": newest - _MONTHS},
        ).to_arrow_table()
    store.close()
    bars = bars.cast(BARS)
    dates = sorted(set(pc.cast(bars["ts"], pa.date32()).to_pylist()))
    cut = datetime.fromisoformat(f"{dates[-days - 1]}T22:00+00:00")
    return bars, cut


if __name__ == "__main__":
    if len(sys.argv) == 5:
        print(json.dumps(followed(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
    elif len(sys.argv) == 4:
        home = Path(sys.argv[1])
        print(_child(home / "ml_data", home / "ml_models" / "registry", sys.argv[2], int(sys.argv[3])))
    else:
        print(*(figure.row for figure in figures()), sep="\n")
