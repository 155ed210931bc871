"""The edge every verb shares: the clock, settings, output, progress, and errors as one sentence."""

import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ml_data.store import Store
from ml_inference.engine_settings import EngineSettings
from ml_models.model_registry import ModelRegistry
from ml_scripts.plain_values import plain
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.domain.series import SeriesSet, find_series_set
from trading.domain.universe import Universe, find_universe
from trading.errors import HubError, NothingStored
from trading.person import login_name
from trading.secret_values import hidden
from trading.settings import HubSettings, read_settings

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
InstrumentOption = Annotated[
    str | None, typer.Option("--instrument", help="Symbol of the instrument, such as MGC (default: the settings').")
]

RuleOption = Annotated[
    str | None,
    typer.Option(
        "--rule", help="A trade rule, such as half-rr2-session, where the recipe is about one (default: its own)."
    ),
]

CHECK_FAILED: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130
_SYMBOL: Final = re.compile(r"[A-Za-z0-9]{1,12}")
FIRST_DATE, LAST_DATE = date(1970, 1, 1), date(2199, 12, 31)
_OUT, _ERR = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def now() -> datetime:
    """Return the present instant, UTC. Only the edges read the clock."""
    return datetime.now(UTC)


def who() -> str:
    """Return who runs this, for the registry's journal: the login name, or "unknown" where the machine knows none."""
    return login_name()


@dataclass(frozen=True)
class Hub:
    """What a verb works with."""

    settings: HubSettings
    store: Store
    registry: ModelRegistry

    def instrument(self, symbol: str | None) -> Instrument:
        """Return the instrument named, or the settings', or the only one that has bars."""
        return find_instrument(self.settings.instrument_folders, self._symbol(symbol))

    def universe(self, name: str) -> Universe:
        """Return the universe of that name."""
        return find_universe(self.settings.universe_folders, name.upper())

    def series_set(self, name: str) -> SeriesSet:
        """Return the set of series of that name."""
        return find_series_set(self.settings.series_folders, name.upper())

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
        named = self.settings.instrument if symbol is None else symbol
        if named is not None:
            if not _SYMBOL.fullmatch(named):
                raise HubError(f"{named!r} is not a symbol; expected letters and digits, such as MGC.")
            return named.upper()
        stored = self.stored_instruments()
        if not stored:
            raise NothingStored(
                "No bars are stored yet. Import some: hub ingest FILES --instrument SYMBOL, or make the demo market: "
                "hub demo."
            )
        if len(stored) == 1:
            return stored[0]
        raise HubError(f"Say which instrument: --instrument SYMBOL. Stored: {', '.join(stored)}.")


@contextmanager
def opened() -> Iterator[Hub]:
    """Open the home folder's stores and registry for one verb."""
    settings = read_settings()
    hidden.learn(settings.home)
    store = Store(settings.store_folder)
    try:
        yield Hub(settings, store, ModelRegistry(settings.registry_folder))
    finally:
        store.close()


def say(lines: list[str] | str, result: Any = None, *, as_json: bool = False) -> None:
    """Print what a verb did: its lines, or with `as_json` only its result as one object; without a result nothing."""
    if as_json:
        if result is not None:
            sys.stdout.write(hidden(json.dumps(plain(result), allow_nan=False)) + "\n")
        return
    for line in [lines] if isinstance(lines, str) else lines:
        _OUT.print(hidden(line), markup=False)


def note(line: str) -> None:
    """Print a line about what is happening meanwhile, on stderr: stdout is for what the verb came to."""
    _ERR.print(hidden(line), markup=False)


def fail(lines: list[str], result: Any = None, *, as_json: bool = False, code: int = CHECK_FAILED) -> NoReturn:
    """Leave because a check said no: its lines on stderr, and with `as_json` its result as one object."""
    say([], result, as_json=as_json)
    for line in lines:
        note(line)
    raise typer.Exit(code)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal once it takes longer than a second; yields `advance(done, total)`."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_ERR,
        transient=True,
        disable=not _ERR.is_terminal,
    )
    task = bar.add_task(title, total=None)
    patience = threading.Timer(1.0, bar.start)
    patience.daemon = True
    patience.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        patience.cancel()
        patience.join()
        bar.stop()


def day(text: str) -> date:
    """Return a date given as YYYY-MM-DD, for use as a parser of an option."""
    try:
        given = date.fromisoformat(text)
    except ValueError as error:
        raise HubError(f"{text!r} is not a date; expected YYYY-MM-DD, such as 2025-01-02.") from error
    return checked_date(given)


def checked_date(given: date) -> date:
    """Return a date that the calendars can work with, or raise `HubError`."""
    if not FIRST_DATE <= given <= LAST_DATE:
        raise HubError(f"{given} is out of reach; expected a date from {FIRST_DATE} to {LAST_DATE}.")
    return given


def run(verb: typer.Typer | Callable[..., Any]) -> NoReturn:
    """Run a command line; errors a person can mend become one sentence on stderr and an exit code, without a trace.

    With `--json` the sentence is also an object on stdout, so that a reader finds one there whatever happens.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows another one
    hidden.learn()
    hidden.take_over()
    cli = verb if isinstance(verb, typer.Typer) else command_line(verb)
    try:
        code = cli(standalone_mode=False)  # an Exit within a verb comes back as its code
    except typer.Abort:
        code = INTERRUPTED
    except typer.TyperException as error:
        _leave(_usage(error), error.exit_code)
    except HubError as error:
        _leave(str(error), error.exit_code)
    except PermissionError as error:
        place = error.filename or _home()
        _leave(f"No permission: {place}. Choose another home folder with HUB_HOME, or change its owner.", BAD_INPUT)
    except OSError as error:
        place = error.filename or _home()
        _leave(f"{error.strerror or error}: {place}. What was stored before is unharmed.", BAD_INPUT)
    if code == INTERRUPTED:
        _leave("Stopped. What was finished is stored; the same command goes on from there.", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _home() -> str:
    """Return where the home folder is, for an error that does not name its place."""
    try:
        return str(read_settings().home)
    except HubError:
        return "the home folder"


def verbs(what: str) -> typer.Typer:
    """Return a command line of several verbs, to be added; `what` is its help."""
    names = {"help_option_names": ["--help", "-h"]}
    return typer.Typer(help=what, no_args_is_help=True, add_completion=False, context_settings=names)


def command_line(verb: Callable[..., Any]) -> typer.Typer:
    """Return a command line of one verb."""
    cli = verbs("")
    cli.command()(verb)
    return cli


def _usage(error: typer.TyperException) -> str:
    """Return what was wrong with a command line, and where its help is."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if not message or context is None:
        return message
    sentence = message if message.endswith((".", "?")) else f"{message}."
    return f"{sentence} Try '{context.command_path} --help'."


def _leave(sentence: str, code: int) -> NoReturn:
    if sentence:  # an empty one is help that was shown already
        note(sentence)
        say([], {"error": sentence, "exit_code": code}, as_json="--json" in sys.argv[1:])
    sys.exit(code)
