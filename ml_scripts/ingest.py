"""`hub ingest`: imports bars, saying what it recognised, what it stored, and what it rejected and why."""

from pathlib import Path
from typing import Annotated

import typer

from ml_data.daily_ingest import files_in, ingest_daily
from ml_data.import_report import ImportReport, describe, notes_of
from ml_data.import_sources import named_files
from ml_data.importers.base import Mark
from ml_data.ingest import ingest
from ml_scripts.console import JsonFlag, now, opened, progress, run, say
from trading.errors import HubError


def command(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of bars, or folders of them, in any order; patterns such as bars/*.csv too."),
    ],
    instrument: Annotated[str | None, typer.Option(help="Symbol of the instrument, such as MGC.")] = None,
    universe: Annotated[
        str | None, typer.Option(help="Universe of stocks whose day bars the files hold, such as SP500_SAMPLE.")
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Set of series that files of one value a day hold, such as US_MARKET.")
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="The format, when it cannot be recognised.")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Zone of stamps without one, such as America/New_York.")] = None,
    stamps: Annotated[
        Mark | None, typer.Option(help="What a stamp marks of its minute, where the format does not say it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be stored.")] = False,
    accept: Annotated[
        bool, typer.Option(help="Take the clock that the bars of naive stamps show, or one that they contradict.")
    ] = False,
    accept_revisions: Annotated[
        bool, typer.Option(help="Take a file that contradicts most of the bars it overlaps.")
    ] = False,
    accept_prices: Annotated[
        bool, typer.Option(help="Take prices at another level than the instrument's, or that jump between two levels.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Import bars; what is already stored stays, what changed is kept as a revision."""
    if (instrument is None) == (universe is None and series is None):
        raise HubError("Say what the files hold: --instrument SYMBOL, or --universe NAME and --series NAME.")
    with opened() as hub:
        title = (
            instrument.upper()
            if instrument
            else " and ".join(name.upper() for name in (universe, series) if name is not None)
        )
        with progress(f"{title} import") as advance:

            def shown(share: float, _name: str) -> None:
                advance(round(share * 1000), 1000)

            if instrument is None:
                reports = ingest_daily(
                    hub.store,
                    None if universe is None else hub.universe(universe),
                    None if series is None else hub.series_set(series),
                    named_files(files),
                    now=now(),
                    format=format_name,
                    time_zone=time_zone,
                    dry_run=dry_run,
                    accept_revisions=accept_revisions,
                    progress=shown,
                )
            else:
                reports = ingest(
                    hub.store,
                    hub.instrument(instrument),
                    files_in(named_files(files)),
                    now=now(),
                    format=format_name,
                    time_zone=time_zone,
                    stamps=stamps,
                    dry_run=dry_run,
                    accept=accept,
                    accept_revisions=accept_revisions,
                    accept_prices=accept_prices,
                    progress=shown,
                )
    _say(title, reports, dry_run=dry_run, as_json=as_json)


def _say(title: str, reports: list[ImportReport], *, dry_run: bool, as_json: bool) -> None:
    refused = [report for report in reports if report.refusal is not None]
    brought = sum(report.left_out is None for report in reports)
    would = "would be " if dry_run else ""
    stored, revised, unchanged, rejected = (
        sum(getattr(report, f"rows_{name}") for report in reports)
        for name in ("stored", "revised", "unchanged", "rejected")
    )
    total = (
        f"{title}: {brought - len(refused)} of {brought} files imported; {stored:,} bars {would}new, "
        f"{revised:,} revised, {unchanged:,} unchanged, {rejected:,} rejected."
    )
    few = len(reports) <= 3 or dry_run
    say(
        [
            *(line for report in reports if (line := (describe if few or report in refused else notes_of)(report))),
            total,
        ],
        {"instrument": title, "dry_run": dry_run, "files": reports},
        as_json=as_json,
    )
    if refused:
        raise typer.Exit(2)


if __name__ == "__main__":
    run(command)
