"""`hub instrument`: the instruments that are described: list, show, check, and a new one from a template."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ml_scripts.console import JsonFlag, day, fail, now, run, say, verbs
from trading.domain.calendar import day_windows, from_minute
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import check_symbol, checked_instrument, find_instrument, instrument_files
from trading.domain.instrument_template import Kind, Wishes, new_instrument_text, write_new
from trading.errors import BadSettings, HubError
from trading.settings import SHIPPED_INSTRUMENTS, read_settings

cli = verbs("The instruments: list, show, check, new.")

SymbolArgument = Annotated[str, typer.Argument(help="Symbol of the instrument, such as ES.")]


@cli.command("list")
def list_instruments(as_json: JsonFlag = False) -> None:
    """List every instrument that is described, and where."""
    rows = [_row(path) for path in instrument_files(read_settings().instrument_folders).values()]
    lines = [f"{row['symbol']:<12} {row['origin']:<8} {row['problem'] or row['name']}" for row in rows]
    say(lines, {"instruments": rows}, as_json=as_json)


@cli.command("show")
def show(
    symbol: SymbolArgument,
    on: Annotated[str | None, typer.Option("--day", help="Trading day whose windows are shown: YYYY-MM-DD.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what an instrument is, and when its windows lie on a day, in UTC."""
    folders = read_settings().instrument_folders
    instrument = find_instrument(folders, symbol.upper())
    chosen = day(on) if on else now().date()
    windows = _windows(instrument, chosen)
    facts = {
        "file": instrument_files(folders)[instrument.symbol],
        "instrument": instrument.model_dump(mode="json"),
        "day": chosen,
        "windows": windows,
    }
    say(_described(instrument, facts["file"], chosen, windows), facts, as_json=as_json)


@cli.command("check")
def check(
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols or TOML files (default: all).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check instrument files: every fault with its line, what is expected and what was found."""
    known = instrument_files(read_settings().instrument_folders)
    asked = symbols or list(known)
    paths = [Path(each) if each.endswith(".toml") else known.get(each.upper(), Path(f"{each}.toml")) for each in asked]
    rows = [_row(path) for path in paths]
    wrong = [row["problem"] for row in rows if row["problem"]]
    if wrong:
        fail(wrong, {"instruments": rows}, as_json=as_json)
    named = ", ".join(row["symbol"] for row in rows)
    say(f"{named}: every value is possible, every window lies in its day.", {"instruments": rows}, as_json=as_json)


@cli.command("new")
def new(
    symbol: SymbolArgument,
    kind: Annotated[Kind | None, typer.Option(help="What it is; a shipped instrument is copied without.")] = None,
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of its prices, such as USD.")] = None,
    tick: Annotated[float | None, typer.Option(help="The smallest step of a price.")] = None,
    point_value: Annotated[float | None, typer.Option(help="What a move of 1.0 is worth, of one contract.")] = None,
    commission: Annotated[float | None, typer.Option(help="Commission of one contract, a side.")] = None,
    slippage_ticks: Annotated[int | None, typer.Option(help="Slippage of a market order, in ticks.")] = None,
    calendar: Annotated[str | None, typer.Option(help="Exchange calendar, such as XNYS or CME_INDEX.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a new instrument's file into the home folder, commented and valid as it is; nothing is overwritten."""
    symbol = symbol.upper()
    check_symbol(symbol)
    shipped = SHIPPED_INSTRUMENTS / f"{symbol}.toml"
    numbers = {"tick": tick, "point_value": point_value, "commission": commission}
    written = {option: None if number is None else f"{number!r}" for option, number in numbers.items()}
    wishes = Wishes(name=name, currency=currency, slippage_ticks=slippage_ticks, calendar=calendar, **written)
    if kind is not None:
        text = new_instrument_text(symbol, kind, wishes)
    elif shipped.is_file() and wishes == Wishes():
        text = shipped.read_text(encoding="utf-8")
    else:
        raise HubError(f"{symbol}: say what it is: --kind futures, fx, equity or crypto.")
    instrument = _checked(symbol, text)
    path = write_new(read_settings().own_instruments_folder, symbol, text)
    look = [f"  line {n}: {line}" for n, line in enumerate(text.splitlines(), 1) if "CHECK" in line and n > 3]
    hides = [f"It goes before the {symbol} that comes with the hub."] if shipped.is_file() and path != shipped else []
    lines = [f"{path}: written.", *hides, *(["Compare with your contract and your broker:", *look] if look else [])]
    result = {"file": path, "symbol": symbol, "kind": kind, "to_check": look, "instrument": instrument}
    say([*lines, f"Then: hub ingest FILES --instrument {symbol} --dry-run"], result, as_json=as_json)


def _checked(symbol: str, text: str) -> dict[str, Any]:
    """Return what `text` states, if it may become the file of `symbol`."""
    with tempfile.TemporaryDirectory() as aside:
        path = Path(aside) / f"{symbol}.toml"
        path.write_text(text, encoding="utf-8")
        try:
            return checked_instrument(path).model_dump(mode="json")
        except BadSettings as error:
            raise BadSettings(f"Nothing was written: {str(error).replace(f'{path}:', f'{path.name}:')}") from error


def _row(path: Path) -> dict[str, Any]:
    origin = "shipped" if path.parent == SHIPPED_INSTRUMENTS else "own"
    row = {"symbol": path.stem, "origin": origin, "file": path, "name": None, "problem": None}
    try:
        return row | {"name": checked_instrument(path).name}
    except HubError as error:
        return row | {"problem": str(error)}


def _windows(instrument: Instrument, chosen: date) -> list[dict[str, Any]]:
    windows = day_windows(instrument, np.array([chosen], dtype="datetime64[D]"))
    spans = [
        ("trading day", "", windows.starts[0], windows.ends[0]),
        *(
            ("session", rule.name, windows.session_starts[0, place], windows.session_ends[0, place])
            for place, rule in enumerate(instrument.sessions)
        ),
        *(
            ("opening range", rule.name, windows.range_starts[0, place], windows.range_ends[0, place])
            for place, rule in enumerate(instrument.opening_ranges)
        ),
    ]
    if windows.closed_from[0] < windows.ends[0]:
        spans.append(("closed early", "", windows.closed_from[0], windows.closed_until[0]))
    if windows.holiday[0]:
        spans.append(("holiday", "", windows.starts[0], windows.ends[0]))
    return [
        {"kind": kind, "name": name, "starts_at": from_minute(first), "ends_at": from_minute(last)}
        for kind, name, first, last in spans
    ]


def _described(told: Instrument, file: Any, chosen: date, windows: list[dict[str, Any]]) -> list[str]:
    costs, money = told.costs, told.currency
    rate = f" and {costs.commission_rate:g} of the value" if costs.commission_rate else ""
    return [
        f"{told.symbol}: {told.name} ({file})",
        f"tick {told.tick:g} {money} (prices between two: {told.off_grid}), 1.0 is worth {told.point_value:g} {money}",
        f"commission {costs.commission_per_side:g} {money}{rate} a side, slippage in ticks {costs.slippage_ticks}",
        f"calendar {told.exchange_calendar}, exchange in {told.exchange_zone}"
        + (f", daily halt {told.daily_halt[0]:%H:%M}-{told.daily_halt[1]:%H:%M}" if told.daily_halt else ""),
        f"{chosen}, in UTC:",
        *(
            f"  {each['kind']} {each['name']}: {each['starts_at']:%m-%d %H:%M} to {each['ends_at']:%m-%d %H:%M}"
            for each in windows
        ),
    ]


if __name__ == "__main__":
    run(cli)
