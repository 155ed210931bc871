"""`hub backup`: what cannot be made again, copied to a folder that opens as a home, and read back before it is done."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ml_data.store import Alias, Store
from ml_models import durable_files
from ml_models.model_registry import ModelRegistry
from ml_scripts.console import Hub, JsonFlag, fail, now, opened, progress, run, say
from trading.errors import HubError, NothingStored, RegistryError
from trading.settings import HubSettings, secrets_file, settings_file


@dataclass(frozen=True)
class Backup:
    """What a backup holds: `rows` by store file and table, `settings` files, and what is amiss with models."""

    folder: Path
    rows: dict[Alias, dict[str, int]]
    versions: int
    settings: tuple[str, ...]
    problems: tuple[str, ...]


def command(
    folder: Annotated[Path, typer.Argument(help="Where to: a new folder is made in it, named after the instant.")],
    no_bars: Annotated[bool, typer.Option("--no-bars", help="Leave out the bars: they can be imported again.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Copy journal, bars, models and settings, to be opened or put back; leaves with 1 when a model is damaged."""
    # The journal comes first: bars and versions that it speaks of were there before its rows.
    files: tuple[Alias, ...] = ("journal",) if no_bars else ("journal", "market")
    above = folder.expanduser().absolute()
    with opened() as hub, progress("backup") as advance:
        _refuse(hub, above)
        unfinished = sorted(above.glob("hub-*.partial"))
        made = _made(hub, above / f"hub-{now():%Y%m%dT%H%M%SZ}", files, advance)
    rows = ", ".join(f"{sum(tables.values()):,} rows of {name}.duckdb" for name, tables in made.rows.items())
    lines = [
        f"{made.folder}: {rows}, {made.versions} model versions, {len(made.settings)} settings files, all read back.",
        f"Not in it: secrets.toml, logs, locks, live.json, Parquet{', bars: import them again' if no_bars else ''}.",
        f"It opens as it is: HUB_HOME={made.folder} hub doctor. How to put it back: docs/data.md.",
        *(f"{path}: a backup is at work there, or was killed: then remove it." for path in unfinished),
    ]
    result = {**vars(made), "unfinished": unfinished}
    if made.problems:
        say([] if as_json else lines)
        fail([f"Copied as it is in the home: {each}" for each in made.problems], result, as_json=as_json)
    say(lines, result, as_json=as_json)


def _refuse(hub: Hub, above: Path) -> None:
    """Raise HubError when there is nothing to copy, or no place for it in the folder `above`."""
    if not hub.registry.models() and not any(hub.settings.store_folder.glob("*.duckdb*")):
        raise NothingStored(f"{hub.settings.home}: there is nothing to back up. HUB_HOME names another home folder.")
    if not above.is_dir():
        raise HubError(f"{above}: there is no such folder; make it, or mount the disk that it is on.")
    if above.resolve().is_relative_to(hub.settings.registry_folder.resolve()):
        raise HubError(f"{above}: a backup there would be taken for a model; choose a folder outside of the registry.")


def _made(hub: Hub, target: Path, files: tuple[Alias, ...], advance: Callable[[int, int], None]) -> Backup:
    """Return the backup made aside and renamed to `target`; nothing is left of one that fails."""
    aside = target.with_name(f"{target.name}.partial")
    if target.exists():
        raise HubError(f"{target}: exists already, and a backup never replaces anything; run it again.")
    try:
        aside.mkdir(mode=0o700)
    except OSError as error:
        raise HubError(f"{aside}: cannot be made ({error.strerror}); choose another folder.") from error
    try:
        copy = hub.settings.model_copy(update={"home": aside})
        rows, steps = {}, len(files) + len(hub.registry.models())
        durable_files.make_folder(copy.store_folder)
        for done, alias in enumerate(files):
            advance(done, steps)
            rows[alias] = hub.store.backup(alias, copy.store_folder / f"{alias}.duckdb")
        _stamp(copy.store_folder, files)
        settings = _copy_settings(hub.settings, aside)
        problems: list[str] = []
        copies = ModelRegistry(copy.registry_folder)
        for done, model in enumerate(hub.registry.models(), len(files)):
            advance(done, steps)
            hub.registry.copy_model(model, copies.root)
            found = _amiss(copies, model)
            if found and found != _amiss(hub.registry, model):
                raise RegistryError(f"{found[0]} It is whole in the home: copy it to another disk.")
            problems += found
        for path in (*aside.rglob("*"), aside):  # the outermost last: until then nobody else can look in
            original = hub.settings.home / path.relative_to(aside)
            if original.exists() and (path.is_dir() or path.parent == copy.store_folder):
                shutil.copymode(original, path)
        versions = sum(len(copies.versions(model)) for model in copies.models())
        durable_files.rename_new(aside, target)
    finally:
        if aside.exists():
            durable_files.remove_tree(aside)
    return Backup(target, rows, versions, settings, tuple(problems))


def _stamp(folder: Path, files: tuple[Alias, ...]) -> None:
    """Open copies as a home does, and give each a change stamp of its own: put back, none looks like what was there."""
    with closing(Store(folder)) as copies:
        for alias in files:
            with copies.market_write() if alias == "market" else copies.journal_write():
                pass
    for path in folder.iterdir():
        if path.suffix in (".lock", ".turn", ".holder"):
            path.unlink()
    durable_files.sync_folder(folder)


def _copy_settings(settings: HubSettings, aside: Path) -> tuple[str, ...]:
    """Copy the settings file in force and what the home describes itself, never secrets; return their names."""
    found = {"hub.toml": settings_file()} if settings_file().is_file() else {}
    for kind in ("instruments", "universes", "series"):
        found |= {f"config/{kind}/{path.name}": path for path in (settings.home / "config" / kind).glob("*.toml")}
    secret = secrets_file(settings.home).resolve()
    copied = {name: path for name, path in found.items() if path.resolve() != secret}
    for name, path in copied.items():
        durable_files.make_folder((aside / name).parent)
        durable_files.copy_new(path, aside / name)
    return tuple(sorted(copied))


def _amiss(registry: ModelRegistry, model: str) -> list[str]:
    """Return all that is wrong with a model's pointers, journal and versions, each as a sentence."""
    try:
        for alias in registry.aliases(model):
            registry.alias(model, alias)
        registry.journal(model)
        return [each for found in registry.versions(model) for each in registry.verify(model, found.version)]
    except RegistryError as error:
        return [str(error)]


if __name__ == "__main__":
    run(command)
