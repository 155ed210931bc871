"""The edge every verb shares: the clock, settings, output, progress, and errors as one sentence."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, NoReturn

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ml_data.store import Store
from ml_inference.inference_engine import EngineSettings
from ml_models.model_registry import ModelRegistry
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import HubError
from trading.settings import HubSettings, read_settings

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
InstrumentOption = Annotated[
    str | None, typer.Option("--instrument", help="Symbol of the instrument, such as MGC (default: the settings').")
]

_OUT, _ERR = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def now() -> datetime:
    """Return the present instant, UTC. Only the edges read the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Hub:
    """What a verb works with."""

    settings: HubSettings
    store: Store
    registry: ModelRegistry

    def instrument(self, symbol: str | None) -> Instrument:
        """Return the instrument named, or the settings', or the only one that has bars."""
        return read_instrument(self.settings.instruments_folder / f"{self._symbol(symbol)}.toml")

    def stored_instruments(self) -> list[str]:
        """Return the symbols that have bars."""
        with self.store.market() as cursor:
            rows = cursor.execute("SELECT DISTINCT instrument FROM market.bars_1m ORDER BY 1").fetchall()
        return [str(row[0]) for row in rows]

    @property
    def engine_settings(self) -> EngineSettings:
        """The engine's part of the settings."""
        ml = self.settings.ml
        return EngineSettings(ml.confidence_threshold, ml.high_confidence, ml.stale_minutes, ml.cache_seconds)

    def _symbol(self, symbol: str | None) -> str:
        if symbol or self.settings.instrument:
            return str(symbol or self.settings.instrument).upper()
        stored = self.stored_instruments()
        if len(stored) == 1:
            return stored[0]
        found = ", ".join(stored) or "none yet"
        raise HubError(f"Say which instrument: --instrument SYMBOL. Stored: {found}.")


@contextmanager
def opened() -> Iterator[Hub]:
    """Open the home folder's stores and registry for one verb."""
    settings = read_settings()
    store = Store(settings.store_folder)
    try:
        yield Hub(settings, store, ModelRegistry(settings.registry_folder))
    finally:
        store.close()


def say(lines: list[str] | str, result: Any = None, *, as_json: bool = False) -> None:
    """Print what a verb did: its lines, or with `as_json` only its result as one object (dates and paths as text)."""
    if as_json and result is None:
        return
    if as_json:
        sys.stdout.write(json.dumps(result, default=_plain) + "\n")
        return
    for line in [lines] if isinstance(lines, str) else lines:
        _OUT.print(line, markup=False)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; yields `advance(done, total)`. Silent where stderr is no terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_ERR,
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def day(text: str) -> date:
    """Return a date given as YYYY-MM-DD, for use as a parser of an option."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HubError(f"{text!r} is not a date; expected YYYY-MM-DD, such as 2025-01-02.") from error


def run(verb: typer.Typer | Callable[..., Any]) -> NoReturn:
    """Run a command line; errors a person can mend become one sentence on stderr and an exit code, without a trace."""
    if isinstance(verb, typer.Typer):
        cli = verb
    else:
        cli = typer.Typer(add_completion=False)
        cli.command()(verb)
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HubError as error:
        _ERR.print(f"{error}", markup=False)
        sys.exit(error.exit_code)
    except PermissionError as error:
        _ERR.print(f"No permission: {error.filename}. Choose another home folder with HUB_HOME, or change its owner.")
        sys.exit(2)
    except OSError as error:
        _ERR.print(f"{error.strerror or error}: {error.filename or 'the home folder'}. Nothing stored was changed.")
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        _ERR.print("Stopped. What was finished is stored; the same command goes on from there.")
        sys.exit(130)
    sys.exit(0)


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value)
