"""Imports a folder of day bars of many tickers and of series in one go: each file by what it holds."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from ml_data.day_run import DayRun
from ml_data.import_report import ImportReport
from ml_data.import_sources import Question, refused, sources
from ml_data.series_file import read_series_table
from ml_data.series_import import import_series
from ml_data.store import Store
from trading.domain.series import SeriesSet
from trading.domain.universe import Universe
from trading.errors import BadBars

Progress = Callable[[float, str], None]


def ingest_daily(
    store: Store,
    universe: Universe | None,
    series: SeriesSet | None,
    files: Sequence[Path],
    *,
    now: datetime,
    format: str | None = None,  # noqa: A002 - the name of the option
    time_zone: str | None = None,
    dry_run: bool = False,
    accept_revisions: bool = False,
    progress: Progress | None = None,
) -> list[ImportReport]:
    """Import day bars of a universe's stocks, and series, from files and folders of them; a report a file and ticker.

    A file that has columns of `series` and no prices holds series, every other day bars of `universe`: of the stock
    that its symbol column names, or its file name. A refused file stops no other.

    Raises
    ------
    StoreError
        when the store cannot be read or written; the files before are stored, this one is not.
    """
    paths = files_in(files)
    reports: list[list[ImportReport]] = []
    with DayRun(store, now, dry_run=dry_run, accept_revisions=accept_revisions) as run:
        for number, path in enumerate(paths):
            if progress is not None:
                progress(number / len(paths), path.name)
            run.reports[number] = []
            try:
                table = None if series is None else read_series_table(path, series)
                if table is not None and series is not None:
                    run.write()
                    accepted = {"dry_run": dry_run, "accept_revisions": accept_revisions}
                    run.reports[number] = [import_series(store, table, series, now, **accepted)]
                elif universe is not None:
                    _take_bars(run, number, path, universe, Question(universe.together(), format, time_zone, dry_run))
                elif series is not None:
                    names = ", ".join(column for rule in series.series for column in rule.columns)
                    raise BadBars(f"{path.name}: expected a column of {series.name} ({names}), found none of them.")
            except BadBars as error:
                run.reports[number].append(refused(path.name, error, dry_run=dry_run))
        run.write()
        reports = [run.reports[number] for number in sorted(run.reports)]
    return [report for of_file in reports for report in of_file]


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files that `paths` name: themselves, and those that lie in a folder, by name, but for hidden ones.

    Raises
    ------
    BadBars
        when a folder holds no file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
        if not inside:
            raise BadBars(f"{path}: the folder holds no files; name the one with the bars.")
        found += inside
    return found


def _take_bars(run: DayRun, number: int, path: Path, universe: Universe, asked: Question) -> None:
    instruments = universe.instruments()
    for _, taken in sources(path, asked):
        if isinstance(taken, ImportReport):
            run.reports[number].append(taken)
            continue
        try:
            run.take(number, taken, instruments, asked.instrument)
        except BadBars as error:
            run.reports[number].append(refused(taken.name, error, dry_run=asked.dry_run))
