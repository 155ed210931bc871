"""`hub export`: Parquet of the public tables, and the training snapshot under its content hash."""

from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from ml_data.build import read_bars
from ml_data.history import build_history
from ml_data.snapshot import (
    ExportReport,
    export_day_bars,
    export_series,
    export_tables,
    record_snapshot,
    write_snapshot,
)
from ml_scripts.console import InstrumentOption, JsonFlag, RuleOption, now, opened, progress, run, say
from ml_training.dataset import Dataset, dataset_of
from ml_training.recipe import shipped_recipe
from trading.domain.calendar import as_date
from trading.errors import CheckFailed, HubError, NothingStored


def command(
    instrument: InstrumentOption = None,
    recipe: Annotated[str, typer.Option(help="Whose training rows the snapshot holds.")] = "directional",
    rule: RuleOption = None,
    universe: Annotated[str | None, typer.Option(help="Day bars of the stocks of this universe instead.")] = None,
    series: Annotated[str | None, typer.Option(help="The series of this set instead.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write Parquet files of one instrument, and the rows that a recipe would learn from; or day bars and series."""
    if universe is not None or series is not None:
        _export_daily(universe, series, as_json=as_json)
        return
    chosen_recipe = shipped_recipe(recipe, rule)
    with opened() as hub:
        chosen = hub.instrument(instrument)
        with progress(f"{chosen.symbol} export") as advance:
            report = export_tables(hub.store, chosen.symbol, hub.settings.parquet_folder, advance)
        if report.files == 0:
            raise NothingStored(f"{chosen.symbol}: nothing is stored, so there is nothing to export. Run hub ingest.")
        made_at = now()
        history = build_history(read_bars(hub.store, chosen), chosen)
        try:
            dataset = dataset_of(history, chosen_recipe)
        except CheckFailed:
            raise
        except HubError as error:  # too short a history to learn from is no reason to withhold the tables
            say(
                [*describe(report), f"No training snapshot: {error}"],
                {"export": report, "snapshot": None, "content_hash": None, "no_snapshot": str(error)},
                as_json=as_json,
            )
            return
        folder = hub.settings.parquet_folder / "snapshots" / f"instrument={chosen.symbol}" / f"recipe={recipe}"
        snapshot = write_snapshot(snapshot_table(dataset), dataset.data_hash, folder)
        record_snapshot(
            hub.store,
            instrument=chosen.symbol,
            recipe=recipe,
            data_hash=dataset.data_hash,
            first_day=as_date(dataset.days[0]),
            last_day=as_date(dataset.days[-1]),
            events=len(dataset),
            made_at=made_at,
        )
    say(
        [*describe(report), f"Training snapshot: {len(dataset):,} events, {len(dataset.names)} features: {snapshot}"],
        {"export": report, "snapshot": snapshot, "content_hash": dataset.data_hash, "no_snapshot": None},
        as_json=as_json,
    )


def _export_daily(universe: str | None, series: str | None, *, as_json: bool) -> None:
    with opened() as hub, progress("export") as advance:
        reports = []
        if universe is not None:
            symbols = list(hub.universe(universe).with_sectors())
            reports.append(export_day_bars(hub.store, symbols, hub.settings.parquet_folder, advance))
        if series is not None:
            names = [rule.name for rule in hub.series_set(series).series]
            reports.append(export_series(hub.store, names, hub.settings.parquet_folder, advance))
    if not any(report.files for report in reports):
        raise NothingStored("No day bars and no series of these are stored. Run hub ingest with --universe, --series.")
    say([line for report in reports for line in describe(report)], {"exports": reports}, as_json=as_json)


def describe(report: ExportReport) -> list[str]:
    """Return what was written, in words."""
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.rows.items())
    return [f"{report.files} Parquet files in {report.folder}: {rows}."]


def snapshot_table(dataset: Dataset) -> pa.Table:
    """Return a dataset as a table: who and when, every feature, the label and the plain trade's net R."""
    minutes = {"decided_at": dataset.decided, "label_known_at": dataset.label_known}
    return pa.table(
        {
            "instrument": pa.repeat(pa.scalar(dataset.instrument), len(dataset)),
            "trading_day": pa.array(dataset.days),
            "orb_index": pa.array(dataset.opening),
            **{
                name: pa.array(values * 60_000_000).cast(pa.timestamp("us", tz="UTC"))
                for name, values in minutes.items()
            },
            "label": pa.array(np.array(dataset.classes, dtype=object)[dataset.codes], pa.string()),
            "r_net": pa.array(dataset.r_net),
            **{f"feature.{name}": pa.array(dataset.x[:, column]) for column, name in enumerate(dataset.names)},
        }
    )


if __name__ == "__main__":
    run(command)
