"""`hub ingest`: imports bars, saying what it recognised, what it stored, and what it rejected and why."""

from pathlib import Path
from typing import Annotated

import typer

from ml_data.import_report import describe, notes_of
from ml_data.import_sources import named_files
from ml_data.importers.base import Mark
from ml_data.ingest import ingest
from ml_scripts.console import JsonFlag, now, opened, progress, run, say


def command(
    files: Annotated[
        list[Path], typer.Argument(help="Files of one-minute bars, in any order; patterns such as bars/*.csv too.")
    ],
    instrument: Annotated[str, typer.Option(help="Symbol of the instrument, such as MGC.")],
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
    as_json: JsonFlag = False,
) -> None:
    """Import bars; what is already stored stays, what changed is kept as a revision."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        with progress(f"{chosen.symbol} import") as advance:
            reports = ingest(
                hub.store,
                chosen,
                named_files(files),
                now=now(),
                format=format_name,
                time_zone=time_zone,
                stamps=stamps,
                dry_run=dry_run,
                accept=accept,
                accept_revisions=accept_revisions,
                progress=lambda share, _name: advance(round(share * 1000), 1000),
            )
    stored = sum(report.rows_stored for report in reports)
    revised = sum(report.rows_revised for report in reports)
    unchanged = sum(report.rows_unchanged for report in reports)
    rejected = sum(report.rows_rejected for report in reports)
    refused = [report for report in reports if report.refusal is not None]
    brought = sum(report.left_out is None for report in reports)
    would = "would be " if dry_run else ""
    total = (
        f"{chosen.symbol}: {brought - len(refused)} of {brought} files imported; {stored:,} bars {would}new, "
        f"{revised:,} revised, {unchanged:,} unchanged, {rejected:,} rejected."
    )
    few = len(reports) <= 3 or dry_run
    say(
        [
            *(line for report in reports if (line := (describe if few or report in refused else notes_of)(report))),
            total,
        ],
        {"instrument": chosen.symbol, "dry_run": dry_run, "files": reports},
        as_json=as_json,
    )
    if refused:
        raise typer.Exit(2)


if __name__ == "__main__":
    run(command)
