"""`hub build`: sessions, opening ranges and trades from the stored bars, as far as they are not built yet."""

from typing import Annotated

import typer

from ml_data.build import BuildReport, build
from ml_scripts.console import InstrumentOption, JsonFlag, day, opened, run, say


def command(
    instrument: InstrumentOption = None,
    since: Annotated[str | None, typer.Option(help="Rebuild the trading days from this one on.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Bring sessions, opening ranges and trades up to date; without --instrument, of every stored one."""
    with opened() as hub:
        symbols: list[str | None] = [instrument] if instrument is not None else [*hub.stored_instruments()]
        first = day(since) if since else None
        reports = [build(hub.store, hub.instrument(symbol), since=first) for symbol in symbols or [None]]
    say([line for report in reports for line in describe(report)], {"builds": reports}, as_json=as_json)


def describe(report: BuildReport) -> list[str]:
    """Return what a build did, in words."""
    if report.days == 0:
        return [f"{report.instrument}: history is up to date."]
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.rows.items())
    how = "all" if report.full else "the changed"
    return [
        f"{report.instrument}: built {how} {report.days:,} trading days, {report.first_day} to {report.last_day}: "
        f"{rows}."
    ]


if __name__ == "__main__":
    run(command)
