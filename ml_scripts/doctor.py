"""`hub doctor`: environment, store, registry, data freshness, disk and clock, each with what to do about it."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from typing import Literal

from ml_data.alert_journal import LOOK_BACK, deliveries_since
from ml_data.day_coverage import LATE_SESSIONS, day_coverage, series_coverage
from ml_data.history_tables import definitions_hash
from ml_data.quality_words import quality_lines, verdict
from ml_data.staleness import HISTORY, Stale, counted_kinds
from ml_data.store import sql
from ml_data.stored_quality import stored_quality
from ml_inference.live_state import live_path, read_state
from ml_monitoring.alert_channels import channels_of
from ml_monitoring.stale import built_on_revised_bars
from ml_scripts.console import Hub, JsonFlag, fail, now, opened, run, say
from ml_scripts.live_health import health_of
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.domain.universe import read_universes
from trading.errors import HubError
from trading.exposure import WAYS, is_loopback, login_gap
from trading.secret_values import login_of, read_by_others, secret_names, secrets_files

State = Literal["good", "look", "bad"]
MARKS = {"good": "✓", "look": "…", "bad": "✕"}
LEAST_FREE = 2 * 1024**3
STALE = timedelta(days=4)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its state, and what was found in a sentence; `stale` is what is built on changed bars."""

    state: State
    what: str
    sentence: str
    stale: tuple[Stale, ...] = ()


def command(as_json: JsonFlag = False) -> None:
    """Look at everything the hub stands on; leaves with 1 when something is broken."""
    with opened() as hub:
        looks = (
            ("machine", _machine(hub)),
            ("access", _access(hub)),
            ("bars", _instruments(hub, now())),
            ("day bars", _daily(hub, now())),
            ("journal", _journal(hub)),
            ("alerts", _alerts(hub, now())),
            ("live", _live(hub, now())),
            ("models", _models(hub)),
        )
        findings = [finding for what, look in looks for finding in _told(what, look)]
    lines = [f"{MARKS[each.state]} {each.what}: {each.sentence}" for each in findings]
    if any(each.state == "bad" for each in findings):
        say([] if as_json else lines)
        fail(
            ["Something is broken; the lines marked ✕ say what and what to do."],
            {"findings": findings},
            as_json=as_json,
        )
    say(lines, {"findings": findings}, as_json=as_json)


def _told(what: str, look: Iterator[Finding]) -> Iterator[Finding]:
    """Yield what a look finds; what it breaks off at is a finding too, and does not keep the next from looking."""
    try:
        yield from look
    except HubError as error:
        yield Finding("bad", what, str(error))
    except OSError as error:
        yield Finding("bad", what, f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")


def _machine(hub: Hub) -> Iterator[Finding]:
    names = ("duckdb", "lightgbm", "numba", "pandas", "pyarrow", "streamlit")
    yield Finding(
        "good",
        "environment",
        f"Python {platform.python_version()} on {platform.system()}; "
        + ", ".join(f"{name} {version(name)}" for name in names),
    )
    home = hub.settings.home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    room = f"{free / 1024**3:.1f} GiB free in {home}"
    if free < LEAST_FREE:
        yield Finding("bad", "disk", f"{room}: less than 2 GiB. Make room, or move the home folder with HUB_HOME.")
    else:
        yield Finding("good", "disk", room)


def _access(hub: Hub) -> Iterator[Finding]:
    """Yield who can reach the pages, and where secrets stand; never a value of one."""
    access, home = hub.settings.access, hub.settings.home
    gap = login_gap(login_of(home), access, installed=find_spec("authlib") is not None)
    if gap is None:
        people = f"{len(access.owners)} owners, {len(access.traders)} traders, {len(access.viewers)} viewers"
        yield Finding("good", "access", f"the pages at {access.address} ask for a login: {people}")
    elif is_loopback(access.address):
        yield Finding("good", "access", f"the pages listen at {access.address}: this machine alone, without a login")
    else:
        yield Finding("bad", "access", f"hub app will not listen at {access.address} without a login: {gap}. {WAYS}")
    files, names = secrets_files(home), secret_names(os.environ)
    told = [*(f"{name} of the environment" for name in names), *map(str, files)]
    yield Finding("good", "secrets", f"hidden wherever they would show: {', '.join(told) or 'none are set'}")
    for path in filter(read_by_others, files):
        yield Finding("look", "secrets", f"{path} can be read by other users of this machine: chmod 600 {path}")


def _instruments(hub: Hub, at: datetime) -> Iterator[Finding]:
    symbols = hub.stored_instruments()
    if not symbols:
        yield Finding(
            "look", "bars", "none stored yet. Import some: hub ingest FILES --instrument SYMBOL, or hub demo."
        )
    for symbol in symbols:
        try:
            instrument = find_instrument(hub.settings.instrument_folders, symbol)
        except HubError as error:
            yield Finding("bad", symbol, str(error))
            continue
        with hub.store.market() as cursor:
            first, last = cursor.execute(sql("bar_bounds"), {"instrument": symbol}).fetchall()[0]
            state = cursor.execute(sql("history_state"), {"instrument": symbol}).fetchall()
            dirty = cursor.execute(sql("history_dirty"), {"instrument": symbol}).fetchall()
        span = f"bars {first:%Y-%m-%d} to {last:%Y-%m-%d %H:%MZ}"
        if last > at:
            yield Finding("bad", symbol, f"{span}: the newest bar lies in the future. Is this machine's clock right?")
        elif at - last > STALE and not instrument.synthetic:
            yield Finding("look", symbol, f"{span}: {(at - last).days} days old. Import newer bars to go on.")
        else:
            yield Finding("good", symbol, span)
        if not state or state[0][1] != definitions_hash(instrument) or dirty:
            yield Finding(
                "look", f"{symbol} history", "not up to date with the bars or the definitions. Run hub build."
            )
        else:
            yield Finding("good", f"{symbol} history", f"built through {state[0][0]:%Y-%m-%d %H:%MZ}")
            yield from _quality(hub, instrument)
        stale = built_on_revised_bars(hub.store, hub.registry, instrument)
        if stale:
            cure = " Run hub build for the history." if any(each.kind in HISTORY for each in stale) else ""
            yield Finding(
                "look",
                f"{symbol} revisions",
                f"built on bars that a vendor changed since: {counted_kinds(stale)}. hub audit stale --instrument "
                f"{symbol} lists them with the bars.{cure}",
                tuple(stale),
            )


def _quality(hub: Hub, instrument: Instrument) -> Iterator[Finding]:
    """Yield the verdict on the bars, and each line behind it that is not good."""
    lines = quality_lines(stored_quality(hub.store, instrument), instrument)
    told = verdict(lines)
    looked = ", ".join(line.what for line in lines)
    yield Finding("good" if told == "stored" else "look", f"{instrument.symbol} bars", f"{told}; looked at: {looked}")
    for line in lines:
        if line.state != "good":
            yield Finding("look" if line.state == "look" else "good", f"{instrument.symbol} {line.what}", line.sentence)


def _daily(hub: Hub, at: datetime) -> Iterator[Finding]:
    for universe in read_universes(hub.settings.universe_folders):
        found = day_coverage(hub.store, [universe.with_sectors()], None)
        if found:
            last = max(each.last for each in found)
            gaps = [f"{each.instrument}: {each.state}" for each in found if each.missing or each.behind]
            late = [each.instrument for each in found if each.late > LATE_SESSIONS and not each.missing]
            said = f"day bars of {len(found)} of {len(universe.members)} stocks to {last}"
            said += f" ({', '.join(late)} start later, as later listings do)" if late else ""
            old = (at.date() - last).days
            if gaps:
                yield Finding("look", universe.name, f"{said}; {'; '.join(gaps[:3])}. Import what is missing.")
            elif timedelta(days=old) > STALE:
                yield Finding("look", universe.name, f"{said}: {old} days old. Import newer day bars to go on.")
            else:
                yield Finding("good", universe.name, said)
    for row in series_coverage(hub.store, at).itertuples():
        yield Finding("good", str(row.series), f"{row.days:,} days, {row.first_day} to {row.last_day}")


def _journal(hub: Hub) -> Iterator[Finding]:
    with hub.store.journal() as cursor:
        logged, first, last = cursor.execute(
            "SELECT count(*), min(trading_day), max(trading_day) FROM journal.ml_predictions"
        ).fetchall()[0]
    days = f", of {first} to {last}" if logged else ""
    yield Finding("good", "journal", f"{logged:,} predictions logged{days}")


def _alerts(hub: Hub, at: datetime) -> Iterator[Finding]:
    """Yield how the last message to each channel went; a channel that fails stops nothing, and is worth a look."""
    channels = channels_of(hub.settings.alerts, deliveries_since(hub.store, at - LOOK_BACK), at)
    if not channels:
        yield Finding("good", "alerts", "shown in the hub alone: no channel is set up (docs/alerts.md)")
    for each in channels:
        state: State = "look" if each.state == "bad" else "good"
        yield Finding(state, f"alerts to {each.name}", f"{each.address} {each.sentence}")


def _live(hub: Hub, at: datetime) -> Iterator[Finding]:
    """Yield what the process that follows feeds says of itself; nothing where none ever did."""
    for each in health_of(read_state(live_path(hub.store, "json")), at):
        yield Finding(each.state, each.what, each.sentence)


def _models(hub: Hub) -> Iterator[Finding]:
    models = hub.registry.models()
    if not models:
        yield Finding("look", "models", "none published yet. Train one: hub train directional --instrument SYMBOL.")
    for model in models:
        try:
            loaded = hub.registry.load(model)
            hub.registry.journal(model)
        except HubError as error:
            yield Finding("bad", model, str(error))
            continue
        yield Finding("good", model, f"{loaded.version} loads and its golden rows come back")


if __name__ == "__main__":
    run(command)
