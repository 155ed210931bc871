"""The table of verbs: for each one what it does on a small home, and how it meets everything that can be wrong.

A new verb needs a row here; `test_verbs.py` and the files beside it run every row. Arguments are written as typed.
`{bars}` is a file of bars of NQ that are not stored yet, `{tiny}` and `{old}` are the newest and the oldest version of
the model `directional` (drafts), beside the trained `directional-DEMO`; `{logged}` is the id of a logged prediction,
`{elsewhere}` an empty folder on a disk with room.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import typer

from ml_data import lookahead
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.live_state import JobState, LiveState, write_state
from ml_scripts import hub
from ml_training import dataset
from tests.contracts.test_planted_cheats import a_bar_one_minute_late, group
from tests.hub_home import DEMO, REGISTRY, STORES, demo_table
from tests.ml_models.drafts import damage
from trading.settings import SHIPPED_INSTRUMENTS

NO_BARS = (2, "No bars are stored yet. Import some: hub ingest FILES --instrument SYMBOL, or make the demo market")
NO_REGISTRY = (2, "There is no model registry at")
NOTHING_PUBLISHED = (2, "directional-DEMO: nothing is published yet. Train a version: hub train directional")
BROKEN_MODEL = (2, "model.txt: has ")
NOW_OR_LATER = datetime(2100, 1, 1, tzinfo=UTC)
VERBS_OF_JOBS = ("settle", "monitor", "retrain")
Outcome = tuple[int, str]
"""The exit code, and words that are said."""


@dataclass(frozen=True)
class Row:
    """What a verb does: `done` are arguments that succeed on the small home.

    `shelves` are those it cannot do without: it refuses when one of the store's is damaged or of a newer program, and
    `no_models`, `broken_model` say what it makes of a registry that is missing or damaged. `writes` when it needs room
    on the disk. `wrong` are arguments and the words of the refusal. `fails` breaks what the verb checks, so that it
    leaves with 1 and these words. `long` when Ctrl+C can meet it at work.
    """

    done: str = ""
    shelves: tuple[str, ...] = ()
    empty: Outcome = (0, "")
    no_models: Outcome = (0, "")
    broken_model: Outcome = (0, "")
    writes: bool = False
    long: bool = False
    serves: bool = False
    wrong: tuple[tuple[str, str], ...] = ()
    fails: tuple[Callable[[Path, Any], None], str] | None = field(default=None)


def verbs() -> dict[str, Any]:
    """Every verb of `hub`, found by walking the command line: its words, and its command."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        if not hasattr(command, "list_commands"):
            found[" ".join(words)] = command
            return
        for name in command.list_commands(None):
            walk(command.get_command(None, name), (*words, name))

    walk(typer.main.get_command(hub.cli), ())
    return found


def takes(command: Any, option: str) -> bool:
    return any(option in parameter.opts for parameter in command.params)


# What makes a check fail


def plant_a_cheat(home: Path, monkeypatch: Any) -> None:
    groups = (*lookahead.feature_groups(), group("a_bar_one_minute_late", a_bar_one_minute_late))
    for module in (lookahead, dataset):
        monkeypatch.setattr(module, "feature_groups", lambda *_: groups)


def change_a_stored_bar(home: Path, monkeypatch: Any) -> None:
    store = Store(home / STORES)
    with store.market_write() as cursor:
        cursor.execute("UPDATE market.bars_1m SET volume = volume + 1 WHERE ts::DATE = DATE '2023-05-16'")
    store.close()


def edit_a_logged_input(home: Path, monkeypatch: Any) -> None:
    store = Store(home / STORES)
    with store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET features = list_prepend(features[1] + 1, features[2:])")
    store.close()


def change_a_bar_that_was_learned_from(home: Path, monkeypatch: Any) -> None:
    store = Store(home / STORES)
    with store.market_write() as cursor:
        cursor.execute("UPDATE market.bars_1m SET volume = volume + 1 WHERE ts::DATE = DATE '2023-03-01'")
    store.close()


def revise_a_bar(home: Path, monkeypatch: Any) -> None:
    store = Store(home / STORES)
    table = demo_table().slice(100_000, 500)
    later = datetime(2026, 6, 1, tzinfo=UTC)
    place = table.schema.get_field_index("volume")
    volume = table.schema.field(place)
    one_of_them = pa.array([1] + [0] * 499, volume.type)
    changed = table.set_column(place, volume, pc.add(table.column(place), one_of_them))
    report = ingest_bars(store, DEMO, [changed], source_name="vendor", now=later)
    store.close()
    assert report.rows_revised == 1


def cut_the_models(home: Path, monkeypatch: Any = None) -> None:
    for path in (home / REGISTRY).glob("*/v_*/model.txt"):
        damage(path, path.read_bytes()[:-100])


def let_the_loop_die(home: Path, monkeypatch: Any) -> None:
    alive = datetime(2023, 5, 8, 0, 5, tzinfo=UTC)
    write_state(home / STORES / "live.json", LiveState(4711, datetime(2023, 5, 7, 22, tzinfo=UTC), alive))


def owe_a_damaged_job(home: Path, monkeypatch: Any) -> None:
    long_ago = datetime(2023, 5, 7, 22, tzinfo=UTC)
    jobs = {f"DEMO {verb}": JobState(long_ago if verb == "settle" else NOW_OR_LATER) for verb in VERBS_OF_JOBS}
    write_state(home / STORES / "live.json", LiveState(4711, long_ago, long_ago, jobs=jobs))
    damage(home / STORES / "journal.duckdb", b"nothing")


def break_an_instrument(home: Path, monkeypatch: Any) -> None:
    own = home / "config" / "instruments" / "ES.toml"
    own.parent.mkdir(parents=True)
    own.write_text((SHIPPED_INSTRUMENTS / "ES.toml").read_text().replace("tick = ", "tick = -"))


_MODELS = ("registry",)
_WRONG_MODEL = ("nosuch", "There is no model 'nosuch' at ")
_WRONG_VERSION = ("directional v_20240101_000000-aaaaa", "directional has no version v_20240101_000000-aaaaa")
_WRONG_ALIAS = ("directional nosuch", "directional: nosuch does not point at any version")

ROWS: dict[str, Row] = {
    "start": Row(
        shelves=("market", "journal"),
        serves=True,
        wrong=(
            ("--port 99999", "Input should be less than or equal to 65535"),
            ("--address 0.0.0.0", "The hub does not listen at 0.0.0.0 without a login: there is no [auth]"),
        ),
    ),
    "app": Row(
        serves=True,
        wrong=(
            ("--port 99999", "Input should be less than or equal to 65535"),
            ("--port eighty", "Input should be a valid integer"),
            ("--address 0.0.0.0", "The hub does not listen at 0.0.0.0 without a login: there is no [auth]"),
            ("--address hub.invalid", "The hub does not listen at hub.invalid without a login"),
        ),
    ),
    "demo": Row(shelves=("market", "journal"), writes=True, long=True, wrong=(("twice", "unexpected extra argument"),)),
    "ingest": Row(
        "{bars} --instrument NQ --time-zone America/New_York",
        shelves=("market",),
        writes=True,
        long=True,
        wrong=(
            ("--instrument NQ", "Missing argument 'files'"),
            ("{bars}", "Say what the files hold: --instrument SYMBOL"),
            ("nowhere.csv --instrument NQ", "refused: nowhere.csv: there is no such file; check the path."),
            ("{bars} --instrument NQ --time-zone Mars/Olympus", "Mars/Olympus"),
            ("{bars} --instrument NQ", "add --accept"),
            ("{bars} --instrument NQ --format papyrus", "papyrus"),
            ("{bars} --instrument NQ --stamps middle", "middle"),
            ("{folder} --instrument NQ", "{folder}"),
            ("{empty} --instrument NQ", "empty.csv: the file is empty; download it again."),
            (
                "{text} --instrument NQ",
                "refused: text.csv: expected bars in a format of docs/formats.md, found text whose first line is",
            ),
        ),
    ),
    "instrument list": Row(),
    "instrument show": Row(
        "ES --day 2025-03-03",
        wrong=(
            ("", "Missing argument 'symbol'"),
            ("NOSUCH", "NOSUCH"),
            ("../x", "../X"),
            ("ES --day 3/3/25", "'3/3/25' is not a date; expected YYYY-MM-DD"),
        ),
    ),
    "instrument check": Row("ES", fails=(break_an_instrument, "tick")),
    "instrument new": Row(
        "TSLA --kind equity",
        writes=True,
        wrong=(
            ("", "Missing argument 'symbol'"),
            ("TSLA", "TSLA: say what it is: --kind futures, fx, equity or crypto."),
            ("TSLA --kind stock", "Invalid value for '--kind'"),
            ("TSLA --kind equity --tick nothing", "Invalid value for '--tick'"),
            ("TSLA --kind equity --calendar MOON", "MOON"),
            ("../x --kind equity", "../X"),
        ),
    ),
    "build": Row(
        "--since 2023-05-30",
        shelves=("market",),
        empty=NO_BARS,
        writes=True,
        long=True,
        wrong=(
            ("--since 31.12.2024", "'31.12.2024' is not a date; expected YYYY-MM-DD, such as 2025-01-02."),
            ("--since 0001-01-01", "0001-01-01 is out of reach"),
            ("--instrument NQ", "NQ: no bars are stored. Import some: hub ingest FILES --instrument NQ"),
        ),
    ),
    "export": Row(
        shelves=("market",),
        empty=NO_BARS,
        writes=True,
        long=True,
        wrong=(("--recipe nosuch", "nosuch: no such recipe"), ("--instrument NQ", "NQ: nothing is stored")),
    ),
    "train": Row(
        "directional --until 2023-04-28",
        shelves=("market",),
        empty=NO_BARS,
        writes=True,
        long=True,
        wrong=(
            ("", "Missing argument 'recipe'"),
            ("directinal", "directinal: no such recipe"),
            ("directional --until yesterday", "'yesterday' is not a date"),
            ("directional --instrument NQ", "NQ: no bars are stored"),
        ),
        fails=(plant_a_cheat, "a_bar_one_minute_late"),
    ),
    "retrain": Row(
        "--if-due",
        shelves=("market", "journal", "registry"),
        broken_model=(1, "model.txt: has "),
        writes=True,
        wrong=(
            ("--recipe directinal", "directinal: no such recipe"),
            ("--instrument NQ", "directional-NQ: nothing is published yet, so there is no champion to beat."),
            ("--if-due --recipe directional --instrument NQ", "directional-NQ: nothing is published yet"),
        ),
    ),
    "models list": Row(
        shelves=_MODELS, empty=(2, "The registry is empty. Train a version"), no_models=(2, "The registry is empty")
    ),
    "models show": Row(
        "directional",
        shelves=("registry", "market"),
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        broken_model=BROKEN_MODEL,
        wrong=(("", "Missing argument 'model'"), _WRONG_MODEL, _WRONG_VERSION, _WRONG_ALIAS),
    ),
    "models card": Row(
        "directional",
        shelves=_MODELS,
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        broken_model=BROKEN_MODEL,
        wrong=(("", "Missing argument 'model'"), _WRONG_MODEL, _WRONG_VERSION, _WRONG_ALIAS),
    ),
    "models verify": Row(
        "directional",
        shelves=("registry", "market"),
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        broken_model=(1, "model.txt: has "),
        long=True,
        wrong=(("", "Missing argument 'model'"), _WRONG_MODEL, _WRONG_VERSION, _WRONG_ALIAS),
        fails=(cut_the_models, "model.txt: has "),
    ),
    "models promote": Row(
        "directional {old} --why better",
        shelves=_MODELS,
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        broken_model=BROKEN_MODEL,
        writes=True,
        wrong=(
            ("directional {old}", "Missing option '--why'"),
            ("directional {old} --why ''", "why"),
            ("directional {old} --why x --alias ../x", "../x"),
            ("directional nosuch --why x", "nosuch does not point at any version"),
        ),
    ),
    "models rollback": Row(
        "directional --why worse",
        shelves=_MODELS,
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        broken_model=BROKEN_MODEL,
        writes=True,
        wrong=(
            ("directional", "Missing option '--why'"),
            ("directional-DEMO --why x", "directional-DEMO: champion has no version before"),
        ),
    ),
    "models delete": Row(
        "directional {old} --why old",
        shelves=("registry", "journal"),
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        writes=True,
        wrong=(
            ("directional latest --why x", "is still needed by: champion, LATEST_VERSION.txt. Nothing was deleted."),
            ("directional-DEMO latest --why x", "logged predictions. Nothing was deleted."),
        ),
    ),
    "predict": Row(
        shelves=("market", "registry"),
        empty=NO_BARS,
        no_models=NOTHING_PUBLISHED,
        broken_model=BROKEN_MODEL,
        long=True,
        wrong=(
            ("--moment tomorrow", "'tomorrow' is not an instant; expected one such as 2025-03-03T00:00Z."),
            ("--moment 2023-05-17", "'2023-05-17' names no time zone; add Z for UTC or an offset such as +10:00."),
            (
                "--moment 2030-01-01T00:00Z",
                "DEMO: the stored bars end at 2023-06-02 21:00Z, so nothing can be said of 2030-01-01T00:00Z; "
                "ask for a moment up to there, or import newer bars.",
            ),
            ("--moment 1970-01-03T00:00Z", "DEMO"),
            ("--instrument NQ", "NQ: no bars are stored"),
        ),
    ),
    "shadow": Row(
        "--replay 2023-05-29 2023-05-30",
        shelves=("market", "journal", "registry"),
        empty=NO_BARS,
        no_models=NOTHING_PUBLISHED,
        broken_model=BROKEN_MODEL,
        writes=True,
        long=True,
        wrong=(
            ("", "Say what to step along"),
            ("--replay 2023-05-29", "Option '--replay' requires 2 arguments"),
            ("--replay 2023-05-30 2023-05-29", "--replay goes from the earlier day to the later one"),
            ("--replay 29/05/2023 30/05/2023", "'29/05/2023' is not a date"),
            ("--replay 2023-05-29 2023-05-30 --version nosuch", "nosuch does not point at any version"),
            ("--feed MGC=folder:/a --instrument DEMO", "leave that away"),
        ),
    ),
    "service install": Row(
        "--feed DEMO=folder:{folder} --platform systemd --print",
        wrong=(
            ("", "Say what the unit is to follow: --feed SYMBOL=FEED; or write it into hub.toml"),
            ("--feed DEMO=folder:/a --platform beos", "--platform beos: expected one of systemd, launchd, windows."),
            ("--feed DEMO=folder:/a --name ../x", "'../x' is no name for a unit; expected letters, digits and -."),
            ("--feed XYZ=folder:/a", "XYZ: no such instrument."),
        ),
    ),
    "service uninstall": Row(
        "--platform systemd --name no-such-hub",
        wrong=(("--name ../x", "'../x' is no name for a unit; expected letters, digits and -."),),
    ),
    "service status": Row(
        empty=(0, "No process has followed a feed with this journal yet"),
        fails=(let_the_loop_die, "✕ live: not alive since 2023-05-08 00:05Z (process 4711, since 2023-05-07 22:00Z)"),
    ),
    "service run-due": Row(shelves=("market",), empty=NO_BARS, writes=True, fails=(owe_a_damaged_job, "left with 2")),
    "service run": Row(serves=True, wrong=(("", "Missing option '--home'"),)),
    "settle": Row(shelves=("market", "journal"), empty=NO_BARS, writes=True, long=True),
    "monitor": Row(shelves=("market", "journal"), empty=NO_BARS, writes=True, long=True),
    "alerts": Row(
        "--send --list 3",
        shelves=("market", "journal"),
        wrong=(
            ("--test phone", "No channel is set up. Write one into secrets.toml in the home folder"),
            ("--day yesterday", "'yesterday' is not a date"),
            ("--day 2190-01-01", "2190-01-01 is not over; name a past trading day."),
            ("--list many", "Invalid value for '--list'"),
        ),
    ),
    "gates": Row(
        shelves=("market", "journal", "registry"),
        empty=NO_BARS,
        no_models=NOTHING_PUBLISHED,
        broken_model=BROKEN_MODEL,
        writes=True,
        wrong=(
            ("--stage flying", "'flying' has no gates; expected one of advisory, hybrid, auto."),
            ("--version nosuch", "nosuch does not point at any version"),
        ),
    ),
    "stage": Row(
        "directional-DEMO",
        shelves=("journal", "registry"),
        empty=(2, "directional-DEMO: nothing is published under that name"),
        no_models=(2, "directional-DEMO: nothing is published under that name"),
        wrong=(
            ("directional-DEMO --to flying", "'flying' is no stage; expected one of shadow, advisory, hybrid, auto."),
            ("nosuch", "nosuch: nothing is published under that name"),
        ),
    ),
    "backtest": Row(
        "full-rr1-day --range 0900",
        shelves=("market", "journal"),
        empty=NO_BARS,
        writes=True,
        wrong=(
            ("", "Missing argument 'rule'"),
            ("full-rr9-day", "'full-rr9-day' is not a trade rule."),
            ("full-rr1-day --range 0930", "--range '0930': expected one of "),
            ("full-rr1-day --direction sideways", "--direction 'sideways': expected one of UP, DOWN."),
            ("full-rr1-day --from 2024-01-01", "no closed trade of full-rr1-day fits from 2024-01-01"),
            ("full-rr1-day --recipe range_ahead", "range_ahead tells range_ahead and advises nothing"),
            ("full-rr1-day --recipe nosuch", "nosuch: no such recipe"),
        ),
    ),
    "action": Row(
        "{logged} --did followed --why 'as it said'",
        shelves=("journal",),
        empty=(2, "no such prediction is logged. The Journal page shows the ids."),
        writes=True,
        wrong=(
            ("", "Missing argument 'prediction_id'"),
            ("nosuch", "nosuch: no such prediction is logged."),
            ("nosuch --did followed", "nosuch: no such prediction is logged."),
            ("{logged} --did sometimes", "Say --did followed, ignored or opposite, or --undo; not 'sometimes'."),
            ("{logged} --did followed --undo", "or --undo; not 'followed' and --undo"),
            ("{logged} --undo", "nothing is noted that could be taken back"),
        ),
    ),
    "breaker": Row(
        shelves=("market", "journal", "registry"),
        empty=NO_BARS,
        no_models=NOTHING_PUBLISHED,
        broken_model=(0, "damaged_model"),
        writes=True,
        wrong=(
            ("--rearm luck", "'luck' is no code of the breaker; expected one of stale_data, expired_model"),
            ("--version nosuch", "nosuch does not point at any version"),
        ),
    ),
    "audit lookahead": Row(
        "--sample 2",
        shelves=("market",),
        empty=NO_BARS,
        long=True,
        wrong=(
            ("--sample 0", "Input should be greater than or equal to 1"),
            ("--instrument NQ", "NQ: no bars are stored"),
        ),
        fails=(plant_a_cheat, "a_bar_one_minute_late"),
    ),
    "audit replay": Row(
        shelves=("market", "journal", "registry"),
        empty=NO_BARS,
        no_models=(1, "refused (no_model: "),
        broken_model=(1, "refused (damaged_model: "),
        long=True,
        wrong=(("--instrument NQ", "NQ: no prediction is logged yet. Run hub shadow --replay FROM TO"),),
        fails=(change_a_stored_bar, "data_hash"),
    ),
    "audit skew": Row(
        shelves=("market", "journal"),
        empty=NO_BARS,
        long=True,
        wrong=(
            ("--instrument NQ", "NQ: no such prediction is logged. Run hub shadow --replay FROM TO"),
            ("--since yesterday", "'yesterday' is not a date"),
            ("--rule half-rr2-day", "--rule is about one model family: name it with --recipe"),
            ("--recipe nosuch", "nosuch: no such recipe"),
        ),
        fails=(edit_a_logged_input, "(replayed): 60 of 60 events differ"),
    ),
    "audit reconcile": Row(
        "2023-05-16 --replayed",
        shelves=("market", "journal", "registry"),
        empty=NO_BARS,
        no_models=NOTHING_PUBLISHED,
        broken_model=BROKEN_MODEL,
        writes=True,
        long=True,
        wrong=(
            ("", "Missing argument 'DAY'"),
            ("someday", "'someday' is not a date"),
            (
                "2023-05-16",
                "directional-DEMO 2023-05-16: no live prediction of that day is logged. --replayed compares",
            ),
            ("2023-05-16 --replayed --version nosuch", "nosuch does not point at any version"),
        ),
        fails=(change_a_stored_bar, "without a known cause"),
    ),
    "audit stale": Row(
        shelves=("market", "journal"),
        empty=NO_BARS,
        fails=(revise_a_bar, "DEMO: built on bars that were changed since: "),
    ),
    "reproduce": Row(
        "latest --model directional-DEMO",
        shelves=("market", "registry"),
        empty=NO_REGISTRY,
        no_models=NO_REGISTRY,
        broken_model=BROKEN_MODEL,
        long=True,
        wrong=(
            ("", "Missing argument 'what'"),
            ("nosuch", "'nosuch' is neither a version"),
            ("v_20200101_000000-aaaaa", "There is no version v_20200101_000000-aaaaa on the shelf"),
            ("champion --model directional-DEMO", "champion does not point at any version"),
            ("latest --model nosuch", "There is no model 'nosuch'"),
        ),
        fails=(change_a_bar_that_was_learned_from, "what it was made from has changed:"),
    ),
    "backup": Row(
        "{elsewhere}",
        shelves=("market", "journal", "registry"),
        empty=(2, "there is nothing to back up. HUB_HOME names another home folder."),
        broken_model=(1, "model.txt: has "),
        long=True,
        wrong=(
            ("", "Missing argument 'folder'"),
            ("nowhere", "nowhere: there is no such folder; make it, or mount the disk that it is on."),
            ("{empty}", "empty.csv: there is no such folder"),
        ),
        fails=(cut_the_models, "Copied as it is in the home: directional"),
    ),
    "doctor": Row(
        no_models=(0, "models: none published yet"),
        broken_model=(1, "model.txt: has "),
        long=True,
        fails=(cut_the_models, "Something is broken; the lines marked ✕ say what and what to do."),
    ),
}
