"""A home after a year of live following against one after a month: `python -m bench.a_year`.

Every minute of a feed is an import, now and then a bar is revised by one, and two models are asked about every range.
Both homes end with the same bars; what following leaves behind is written into the same tables in bulk, the outcomes by
the code that settles. A step of the loop takes one new bar: checked, stored, built, settled, and what the circuit
breaker sees at once, in seconds of the processor. The floor is the home after a month; a target in seconds is that of a
page's first paint.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from app_pages.data_queries import stored_data
from bench.demo_home import ASKED, DemoHome, copied, demo_home
from bench.live_memory import Minutes
from bench.measure import Figure, best_times
from ml_data.build import build
from ml_data.journal import append_outcomes, append_predictions
from ml_inference.live import Clocks, LiveLoop, LiveRules
from ml_inference.panel import Panel
from ml_inference.roster import everybody, models_of
from ml_inference.shadow import decision_moments
from ml_monitoring.breaker import AT_ONCE
from ml_monitoring.breaker_watch import watch
from ml_monitoring.outcome_logger import Doubt, outcomes_again, settle
from ml_monitoring.stale import built_on_revised_bars
from trading.domain.bar import BARS
from trading.domain.label import RANGE_AHEAD
from trading.domain.prediction import Answer, PredictionRow
from trading.settings import BreakerSettings

MONTH, YEAR = 30, 365
STEPS, REPEATS = 12, 3
STEP_RATIO, PAGE_SECONDS = 1.5, 1.0
CUT = datetime.fromisoformat("2024-06-27T00:00+00:00")
"""Where both homes stand; the bars after it are delivered minute by minute."""

_IMPORTS = """
INSERT INTO market.bar_imports BY NAME
SELECT
    substr(md5($kind || ts::VARCHAR), 1, 16) AS import_id, $instrument AS instrument, 'feed minutes' AS file_name,
    '' AS sha256, 'bars' AS format, 'UTC' AS time_zone, count(*) AS rows_read,
    CASE $kind WHEN 'new' THEN count(*) ELSE 0 END AS rows_stored, 0 AS rows_rejected, 0 AS rows_unchanged,
    CASE $kind WHEN 'new' THEN 0 ELSE count(*) END AS rows_revised, ts AS first_ts, ts AS last_ts,
    ts + to_seconds($after) AS imported_at, 0 AS bars_dropped, count(DISTINCT contract)::INTEGER AS contracts,
    'stored' AS verdict, []::VARCHAR[] AS reasons
FROM market.bars_1m
WHERE instrument = $instrument AND ts >= $since AND ($kind = 'new' OR hash(ts) % 700 = 0)
GROUP BY ts ORDER BY ts"""
"""A row a minute of bars that came (`new`), or of those that were revised a minute later."""

_REVISIONS = """
INSERT INTO market.bar_revisions BY NAME
SELECT
    instrument, contract, ts, substr(md5('revised' || ts::VARCHAR), 1, 16) AS import_id, open AS old_open,
    high AS old_high, low AS old_low, close AS old_close, volume + 1 AS old_volume, open AS new_open, high AS new_high,
    low AS new_low, close AS new_close, volume AS new_volume
FROM market.bars_1m
WHERE instrument = $instrument AND ts >= $since AND hash(ts) % 700 = 0
ORDER BY ts"""


def figures() -> list[Figure]:
    """Return the rows of a year of following."""
    with demo_home() as made, ExitStack() as opened:
        month, year = (opened.enter_context(_lived(made, days)) for days in (MONTH, YEAR))
        imports, answers = _counted(year)
        told = f"after a year ({imports:,} imports, {answers:,} answers)"
        steps = (_Follower(home).step for home in (month, year))
        few, many = best_times(*steps, repeats=STEPS, clock=time.process_time)
        pages = best_times(
            lambda: built_on_revised_bars(year.store, year.registry, year.instrument),
            lambda: stored_data(year.store, year.instrument, None),
            repeats=REPEATS,
        )
    step, work = f"a step of the live loop {told}", ("what was built on revised bars", "what the Data page reads")
    return [
        Figure(step, f"after a month {1e3 * few:.0f} ms", f"{1e3 * many:.0f} ms", many / few, STEP_RATIO),
        *(
            Figure(f"{each} {told}", "–", f"{taken:.2f} s", taken, PAGE_SECONDS, "s")
            for each, taken in zip(work, pages, strict=True)
        ),
    ]


@contextmanager
def _lived(made: Path, days: int) -> Iterator[DemoHome]:
    """Yield a copy of a demo home whose last `days` before `CUT` were followed live, with the bars up to there."""
    with copied(made) as home:
        symbol, since = home.instrument.symbol, CUT - timedelta(days=days)
        asked = {"instrument": symbol, "since": since}
        sample = home.engine().predict(next(decision_moments(home.instrument, *ASKED)))
        if sample.answer is None:
            raise RuntimeError(f"the bench needs an answer: {sample.refusal}")
        with home.store.market_write() as cursor:
            cursor.execute("DELETE FROM market.bars_1m WHERE ts >= ?", [CUT])
            cursor.execute("UPDATE market.bar_imports SET imported_at = ?, last_ts = ?", [since, since])
            cursor.execute(_REVISIONS, asked)
            for kind, after in (("new", 63), ("revised", 123)):
                cursor.execute(_IMPORTS, {**asked, "kind": kind, "after": after})
        build(home.store, home.instrument, since=CUT.date() - timedelta(days=3))
        _asked_and_settled(home, sample, sample.answer, since)
        yield home


def _asked_and_settled(home: DemoHome, sample: PredictionRow, answer: Answer, since: datetime) -> None:
    """Write down what two models said of every range since `since`, and what came of it by the time it was known."""
    travels = replace(answer, probabilities={}, values={"range": 0.7, "rise": 0.2, "fall": 0.4}, advice="NONE")
    ahead: dict[str, Any] = {
        "label": RANGE_AHEAD.name,
        "model": f"range_ahead-{home.instrument.symbol}",
        "answer": travels,
    }
    with home.store.market() as cursor:
        ranges = cursor.execute(
            "SELECT trading_day, orb, contract, ends_at FROM market.opening_ranges "
            "WHERE complete AND void_reason IS NULL AND ends_at BETWEEN ? AND ? ORDER BY ends_at",
            [since, CUT],
        ).fetchall()
    asked_of: tuple[dict[str, Any], ...] = ({}, ahead)
    rows = [
        replace(
            sample,
            prediction_id=f"{day} {orb} {place}",
            trading_day=day.isoformat(),
            orb=orb,
            decided_at=ends_at,
            contract=contract,
            replayed=False,
            **more,
        )
        for day, orb, contract, ends_at in ranges
        for place, more in enumerate(asked_of)
    ]
    append_predictions(home.store, rows, CUT)
    asked = [vars(row) | {"trading_day": datetime.fromisoformat(row.trading_day).date()} for row in rows]
    append_outcomes(home.store, list(outcomes_again(home.store, home.instrument, asked, now=CUT).values()), CUT)
    with home.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET logged_at = decided_at + INTERVAL 3 SECONDS")
        cursor.execute("UPDATE journal.ml_outcomes SET settled_at = known_at + INTERVAL 3 SECONDS")


class _Follower:
    """A loop along the minutes after `CUT`, one a step."""

    def __init__(self, home: DemoHome) -> None:
        self._feed, self._at, self._passed = Minutes(), [CUT], 0
        self._upheld: set[Doubt] = set()
        store, registry, instrument = home.store, home.registry, home.instrument
        newest = (
            "SELECT contract, open, high, low, close, volume FROM market.bars_1m ORDER BY ts DESC, volume DESC LIMIT 1"
        )
        with store.market() as cursor:
            [bar] = cursor.sql(newest).to_arrow_table().to_pylist()
        self._bar = bar

        def guard(at: datetime) -> None:
            for model in models_of(registry, instrument.symbol):
                watch(store, registry, instrument, model, at=at, settings=BreakerSettings(), codes=AT_ONCE)

        self._loop = LiveLoop(
            store,
            Panel(store, registry, instrument, who=lambda: everybody(registry, instrument.symbol), clock=self._now),
            self._feed,
            rules=LiveRules(timedelta(seconds=2), timedelta(seconds=30), hole_minutes=5, silent_minutes=10),
            clocks=Clocks(self._now, self._now),
            start=lambda _: CUT,
            settle=lambda now: settle(store, instrument, now=now, upheld=self._upheld),
            tell=lambda _: None,
            guard=guard,
        )

    def step(self) -> None:
        """Take the next minute."""
        starts = CUT + timedelta(minutes=self._passed)
        self._passed += 1
        self._feed.bars = pa.Table.from_pylist([{**self._bar, "ts": starts}], BARS)
        self._at[0] = starts + timedelta(seconds=63)
        report = self._loop.step()
        if report.bars_stored != 1 or report.troubles:
            raise RuntimeError(f"the step came to {report}")

    def _now(self) -> datetime:
        return self._at[0]


def _counted(home: DemoHome) -> tuple[int, int]:
    with home.store.market() as cursor:
        [(imports,)] = cursor.execute("SELECT count(*) FROM market.bar_imports").fetchall()
    with home.store.journal() as cursor:
        [(answers,)] = cursor.execute("SELECT count(*) FROM journal.ml_predictions").fetchall()
    return imports, answers


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")
