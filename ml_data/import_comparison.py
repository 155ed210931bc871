"""Gathers, window by window, what a file would change in the store, and refuses files that are not what they seem."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.bar_changes import Changes, changed_spans, changes, joined_spans
from ml_data.bar_checks import OFF_GRID
from ml_data.clock_words import ClockFinding
from ml_data.import_doubts import ImportDoubts
from ml_data.import_plan import ImportPlan, Source
from ml_data.import_report import ImportReport
from ml_data.import_windows import Window
from ml_data.importers.base import OTHERS_SHOWN, REJECTS, Recognised
from ml_data.price_level import KnownClose, PriceLevel, price_level, wrong_level
from ml_data.price_scale import SCALED_STEPS, scale_against, scale_of_steps
from ml_data.spool import Spool
from ml_data.store import Store, sql
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument
from trading.errors import BadBars

CONTRADICTION_BARS = 30
"""Overlaps of fewer bars are too short to say that a file contradicts the store: the last bar of an earlier download
was often not complete yet."""

_STEPS_SEEN = 4_096
_MONTH = timedelta(days=31)
_FAR = timedelta(days=366)
_VALUES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class StoreView:
    """What was imported before: how often, which contents, and the bars of the instrument at a glance.

    `continuous` says whether they are one series without contracts; None, as `first_ts` and `last_ts`, without bars.
    """

    imports: int
    contents: frozenset[str]
    continuous: bool | None
    first_ts: datetime | None
    last_ts: datetime | None


def look(store: Store, instrument: Instrument) -> StoreView:
    """Return what was imported so far."""
    whose = {"instrument": instrument.symbol}
    with store.market() as cursor:
        contents = cursor.execute(sql("imported_files"), whose).fetchall()
        [(imports,)] = cursor.execute(sql("imports_so_far")).fetchall()
        series = cursor.execute(sql("series_stored"), whose).fetchall()
        [(first, last)] = cursor.execute(sql("bar_bounds"), whose).fetchall()
    return StoreView(
        imports=imports,
        contents=frozenset(content for (content,) in contents),
        continuous=series[0][0] if series else None,
        first_ts=first,
        last_ts=last,
    )


@dataclass(frozen=True)
class Accepted:
    """What the user takes although the hub would refuse it: a doubtful clock, contradicted bars, strange prices.

    `rejects` takes what is left where most rows cannot be used: a feed brings few at a time.
    """

    clock: bool
    revisions: bool
    prices: bool
    rejects: bool = False


class Comparison:
    """Gathers, window by window, what a file would change in a store that was seen as `view`."""

    def __init__(self, store: Store, view: StoreView, instrument: Instrument, source: Source, incoming: Spool) -> None:
        self._store = store
        self._view = view
        self._instrument = instrument
        self._source = source
        self._incoming = incoming
        self._revised: list[pa.Table] = []
        self._rejects: list[pa.Table] = []
        self._spans: list[pa.Table] = []
        self._counts: Counter[str] = Counter()
        self._repairs: Counter[str] = Counter()
        self._traded = False
        self._level: PriceLevel | None = None
        self._doubts = ImportDoubts()
        self._strange_level: str | None = None
        self._steps = 0
        self._others: set[str] = set()
        self._contracts: set[str] = set()
        self._first: datetime | None = None
        self._last: datetime | None = None

    def take(self, window: Window) -> None:
        """Compare a window with what is stored in its time, and put aside what it would change."""
        self._counts.update(read=window.rows_read, unchanged=window.repeated, dropped=window.bars_dropped)
        self._others.update(window.others)
        for repair, rows in window.repairs:
            self._repairs[repair] += rows
        self._rejects.append(window.rejects)
        if len(window.rows) == 0:
            return
        ends = pc.min_max(window.rows.column("ts"))
        first, last = ends["min"].as_py(), ends["max"].as_py()
        self._first = first if self._first is None else min(self._first, first)
        self._last = last if self._last is None else max(self._last, last)
        if self._level is None:
            closes = window.rows.column("close").to_numpy()
            self._steps = scale_of_steps(closes[:_STEPS_SEEN], self._instrument.tick)
        self._level = price_level(window.rows, self._source.name, self._level)
        self._doubts.take(window.rows)
        self._traded |= pc.any(pc.greater(window.rows.column("volume"), 0)).as_py()
        self._contracts.update(window.rows.column("contract").unique().to_pylist())
        found = self._compared(window.rows, first, last)
        self._counts.update(unchanged=found.unchanged, shared=found.unchanged + len(found.revised))
        for rows in (found.new, found.revised):
            if len(rows):
                self._incoming.add(rows.select(BARS.names))
                self._spans.append(changed_spans([rows.column("ts")]))
        if len(found.revised):
            self._revised.append(_old_and_new(found))

    def _compared(self, rows: pa.Table, first: datetime, last: datetime) -> Changes:
        seen = self._view
        if seen.first_ts is None or seen.last_ts is None or last < seen.first_ts or first > seen.last_ts:
            return changes(rows, BARS.empty_table())
        whose = {"instrument": self._instrument.symbol}
        with self._store.market() as cursor:
            span = whose | {"first_ts": first, "last_ts": last}
            stored = cursor.sql(sql("bars_in_span"), params=span).to_arrow_table()
        found = changes(rows, stored)
        if self._source.sha256 not in seen.contents or not len(found.revised):
            return found
        # This file was imported before: values of it that a later import replaced are old, not new.
        with self._store.market() as cursor:
            cursor.register("incoming", found.revised)
            old = {row for (row,) in cursor.execute(sql("superseded_rows"), whose).fetchall()}
        newer = pa.array(~np.isin(found.revised.column("row_number").to_numpy(), list(old)))
        return Changes(found.new, found.revised.filter(newer), found.before.filter(newer), found.unchanged + len(old))

    def refuse_what_cannot_be_used(self, accepted: Accepted, levels: Iterable[KnownClose]) -> None:
        """Raise BadBars when what was taken says that the file is not what it was taken for.

        `levels` are prices of files of the same run that are not stored yet.
        """
        self._refuse_scaled_prices()
        name, symbol = self._source.name, self._instrument.symbol
        read, dropped = self._counts["read"], self._counts["dropped"]
        rejects = pa.concat_tables([REJECTS.empty_table(), *self._rejects])
        revised, shared = sum(len(table) for table in self._revised), self._counts["shared"]
        if read == 0:
            raise BadBars(f"{name}: the file holds no bars; download it again.")
        if read == dropped:
            raise BadBars(
                f"{name}: wrong instrument: expected bars of {symbol}, found {', '.join(sorted(self._others)[:3])}; "
                f"choose the instrument that the file is of."
            )
        if 2 * len(rejects) > read - dropped and not accepted.rejects:
            reason, times = Counter(rejects.column("reason").to_pylist()).most_common(1)[0]
            raise BadBars(
                f"{name}: {len(rejects):,} of {read - dropped:,} rows cannot be used, so nothing of it is stored; most "
                f"often ({times:,}, first in row {rejects.column('row_number')[0].as_py():,}): {reason}."
                + (self._tick_in_doubt() if reason == OFF_GRID else "")
            )
        if shared >= CONTRADICTION_BARS and 2 * revised > shared and not accepted.revisions:
            raise BadBars(
                f"{name}: {revised:,} of the {shared:,} bars that are stored already have other values in this file "
                f"({self._first_revision()}), so it is of another instrument, clock or price adjustment; if it is "
                f"right, import it with --accept-revisions."
            )
        self._doubts.refuse(name, accept_prices=accepted.prices)
        if shared < CONTRADICTION_BARS:
            self._refuse_another_level(accepted, levels)

    def _refuse_another_level(self, accepted: Accepted, levels: Iterable[KnownClose]) -> None:
        if self._level is None:
            return
        known = [*self._closes_of_the_month, *levels]
        edges = (self._level.first.ts, self._level.last.ts)
        if not any(abs(edge - each.ts) <= _MONTH for each in known for edge in edges):
            known += self._known_closes(_FAR)  # the nearest decides
        found = wrong_level(self._level, known, self._instrument)
        if found is None:
            return
        said, beyond_belief = found
        if beyond_belief and not accepted.prices:
            raise BadBars(
                f"{self._source.name}: {said}, so it is of another instrument, or adjusted in another way; choose the "
                f"instrument that it is of, or import it with --accept-prices."
            )
        self._strange_level = said

    def _tick_in_doubt(self) -> str:
        told = self._instrument
        return (
            f" {told.symbol}.toml says tick = {told.tick:g}: mend it (hub instrument new {told.symbol} writes an own "
            f'file), or have such prices rounded and counted with off_grid = "round".'
        )

    def _refuse_scaled_prices(self) -> None:
        name, known = self._source.name, self._known_close()
        level = self._level.middle if self._level is not None else 0.0
        scale = scale_against(level, known)
        if scale:
            times, way = (f"{abs(scale):,} times", "divided") if scale > 0 else (f"1/{abs(scale):,} of", "multiplied")
            raise BadBars(
                f"{name}: its prices are about {times} those that are stored ({level:.10g} against "
                f"{known:.10g}), so they are scaled or of another instrument; export prices {way} by {abs(scale):,}."
            )
        if not known and self._steps > SCALED_STEPS:
            raise BadBars(
                f"{name}: every price is a multiple of {self._steps:,} ticks, such as {level:.10g}, so they are "
                f"scaled, by {self._steps:,} at the most; export prices as they are."
            )

    def _known_close(self) -> float:
        """Return the stored close nearest to where the file begins, within a month; 0 if there is none."""
        return next((known.close for known in self._closes_of_the_month), 0.0)

    @cached_property
    def _closes_of_the_month(self) -> list[KnownClose]:
        return self._known_closes(_MONTH)

    def _known_closes(self, within: timedelta) -> list[KnownClose]:
        """Return the stored closes before and after where the file begins and where it ends, no farther than `within`.

        Those before the beginning come first.
        """
        seen = self._view
        if self._first is None or self._last is None or seen.first_ts is None or seen.last_ts is None:
            return []
        edges = [e for e in (self._first, self._last) if seen.first_ts - within <= e <= seen.last_ts + within]
        if not edges:
            return []
        asked = {"instrument": self._instrument.symbol, "within": within}
        found = []
        with self._store.market() as cursor:
            for edge in edges:
                found += cursor.execute(sql("closes_around"), asked | {"at": edge}).fetchall()
        return [KnownClose(ts, close) for ts, close in found]

    def plan(self, recognised: Recognised, clock: ClockFinding, earlier: Iterable[ImportReport]) -> ImportPlan:
        """Return the plan, once all windows were taken; `earlier` are the reports of the files of the same run."""
        rejects = pa.concat_tables([REJECTS.empty_table(), *self._rejects]).sort_by("row_number")
        return ImportPlan(
            recognised=recognised,
            clock=clock,
            incoming=self._incoming,
            revisions=pa.concat_tables(self._revised) if self._revised else pa.table({}),
            rejects=rejects,
            dirty=joined_spans(self._spans),
            imports_before=self._view.imports,
            rows_read=self._counts["read"],
            rows_unchanged=self._counts["unchanged"],
            bars_dropped=self._counts["dropped"],
            contracts=tuple(sorted(self._contracts)),
            first_ts=self._first,
            last_ts=self._last,
            others=tuple(sorted(self._others)[:OTHERS_SHOWN]),
            warnings=(*clock.contradiction, *recognised.notes, *self._of_values(), *self._warnings(earlier)),
            levels=() if self._level is None else (self._level.first, self._level.last),
            raw=self._source.raw_rows(rejects.column("row_number").to_pylist()) if len(rejects) else {},
        )

    def _of_values(self) -> list[str]:
        said = [f"{repair}, in {rows:,} {'rows' if rows > 1 else 'row'}" for repair, rows in self._repairs.items()]
        if self._steps and self._view.first_ts is None:
            said.append(f"every price is a multiple of {self._steps:,} ticks; compare the level, it may be scaled")
        if not self._traded and self._first is not None:
            from ml_data.feature_matrix import volume_features  # with it come the compiled passes

            off = ", ".join(volume_features())
            said.append(f"volume is 0 in every bar, so the features that need it are off (missing): {off}")
        if self._strange_level is not None:
            said.append(self._strange_level)
        return [*said, *self._doubts.notes()]

    def _warnings(self, earlier: Iterable[ImportReport]) -> tuple[str, ...]:
        if not self._revised:
            return ()
        revised = pa.concat_tables(self._revised)
        ends = pc.min_max(revised.column("ts"))
        overlapping = [
            report.file_name
            for report in earlier
            if report.first_ts is not None
            and report.last_ts is not None
            and report.first_ts <= ends["max"].as_py()
            and report.last_ts >= ends["min"].as_py()
        ]
        against = f"what {' and '.join(overlapping)} said" if overlapping else "what was stored"
        count = f"{len(revised):,} bars differ" if len(revised) > 1 else "1 bar differs"
        return (
            f"{count} from {against} ({self._first_revision()}); the new values are stored, the old ones kept as "
            f"revisions",
        )

    def _first_revision(self) -> str:
        row = self._revised[0].slice(0, 1).to_pylist()[0]
        value = next(name for name in _VALUES if row[f"old_{name}"] != row[f"new_{name}"])
        return (
            f"first: {row['contract']} {row['ts']:%Y-%m-%d %H:%MZ} {value} {row[f'old_{value}']:.10g}, now "
            f"{row[f'new_{value}']:.10g}"
        )


def _old_and_new(found: Changes) -> pa.Table:
    columns = {name: found.revised.column(name) for name in ("contract", "ts")}
    columns |= {f"old_{name}": found.before.column(name) for name in _VALUES}
    return pa.table(columns | {f"new_{name}": found.revised.column(name) for name in _VALUES})
