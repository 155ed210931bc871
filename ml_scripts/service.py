"""`hub service`: starts the loop with the machine, and again when it fails; says whether it lives; does what is due."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final, get_args

import typer

from ml_inference.live_state import live_path, read_state
from ml_scripts import shadow
from ml_scripts.console import JsonFlag, fail, now, opened, run, say, verbs
from ml_scripts.live_board import Board, following_alone, live_log
from ml_scripts.live_health import health_of
from ml_scripts.live_jobs import Jobs, jobs_of
from ml_scripts.service_units import (
    Platform,
    Service,
    commands_to_install,
    commands_to_remove,
    file_name,
    place_of,
    unit_of,
)
from trading.errors import HubError
from trading.settings import FILE_VARIABLE, settings_file

cli = verbs("Keep the loop running: started with the machine, started again when it fails.")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}")
MARKS: Final = {"good": "✓", "look": "…", "bad": "✕"}
PlatformOption = Annotated[
    str | None, typer.Option("--platform", help="systemd, launchd or windows (default: this machine's).")
]
FeedsOption = Annotated[
    list[str] | None,
    typer.Option("--feed", help="SYMBOL=FEED, each instrument once (default: those of the settings)."),
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the unit, where one machine has several homes.")]


@cli.command()
def install(
    platform: PlatformOption = None,
    name: NameOption = "trading-hub",
    feed: FeedsOption = None,
    shown: Annotated[bool, typer.Option("--print", help="Print the unit; change nothing.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Write the unit into this folder; install nothing.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the unit that follows the feeds of the settings, or those named, and have this machine start it."""
    kind = _platform(platform)
    service = _service(name, kind, feed)
    contents = unit_of(service, kind)
    if shown:
        text = contents.decode("utf-16" if kind == "windows" else "utf-8")
        say(text.splitlines(), {"platform": kind, "unit": text}, as_json=as_json)
        return
    place = place_of(service, kind, Path.home()) if to is None else to / file_name(service, kind)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(contents)
    if to is not None:
        say(f"Written: {place}", {"platform": kind, "written": place}, as_json=as_json)
        return
    _run(commands_to_install(service, kind, place, _user()))
    say([f"Installed and started: {place}", *_hints(kind)], {"platform": kind, "installed": place}, as_json=as_json)


@cli.command()
def uninstall(platform: PlatformOption = None, name: NameOption = "trading-hub", as_json: JsonFlag = False) -> None:
    """Stop the unit, and take it away; nothing that was written is touched."""
    kind = _platform(platform)
    service = Service(_checked(name), (), Path())
    place = place_of(service, kind, Path.home())
    if not place.exists():
        say(f"There is no unit at {place}.", {"platform": kind, "removed": None}, as_json=as_json)
        return
    _run(commands_to_remove(service, kind, _user()))
    place.unlink()
    say(f"Stopped and removed: {place}", {"platform": kind, "removed": place}, as_json=as_json)


@cli.command()
def status(as_json: JsonFlag = False) -> None:
    """Say whether the loop lives, and how each feed and each daily work stands; leaves with 1 when it has died."""
    with opened() as hub:
        found = health_of(read_state(live_path(hub.store, "json")), now())
    lines = [f"{MARKS[each.state]} {each.what}: {each.sentence}" for each in found]
    lines = lines or ["No process has followed a feed with this journal yet: hub shadow --feed FEED."]
    if found and found[0].state == "bad":
        say([] if as_json else lines[1:])
        fail(lines[:1], {"alive": False, "health": found}, as_json=as_json)
    say(lines, {"alive": bool(found) and found[0].state == "good", "health": found}, as_json=as_json)


@cli.command(name="run-due")
def run_due(as_json: JsonFlag = False) -> None:
    """Do the daily work that is due, and leave: for cron, where no loop runs that does it itself."""
    with (
        opened() as hub,
        following_alone(hub.store, "no feed, but does the daily work"),
        live_log(hub.store, say_to_log) as log,
    ):
        board, settings = Board(hub.store, log), hub.settings.service
        feeds = shadow.named_feeds(hub, settings.follow, None) if settings.follow else [(hub.instrument(None), "")]
        work = [job for instrument, _ in feeds for job in jobs_of(hub.registry, instrument, settings)]
        jobs, begun = Jobs(work, board, board.tell), now()
        try:
            while jobs.look(now()):
                time.sleep(0.1)
        finally:
            jobs.stop()
            board.alive(ended_at=now())
        states = {job.name: board.job(job.name) for job in work}
    done = {name: each for name, each in states.items() if each and each.began_at and each.began_at >= begun}
    lines = [f"{name}: left with {each.exit_code or 0}" for name, each in done.items()] or ["Nothing is due."]
    if any(each.exit_code for each in done.values()):
        fail([*lines, f"What they said: {live_path(hub.store, 'log')}"], {"done": done}, as_json=as_json)
    say(lines, {"done": done}, as_json=as_json)


@cli.command(name="run")
def run_unit(
    home: Annotated[Path, typer.Option("--home", help="The home folder.")],
    settings: Annotated[Path | None, typer.Option("--settings", help="The settings file.")] = None,
    feed: FeedsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Follow the feeds, without a line a happening: what units start."""
    os.environ["HUB_HOME"] = str(home)
    if settings is not None:
        os.environ[FILE_VARIABLE] = str(settings)
    shadow.command(feed=feed, quiet=True, as_json=as_json)


def say_to_log(_line: str) -> None:
    """Print nothing of what happens: the log has it, and the verb says what it came to."""


def _platform(named: str | None) -> Platform:
    kinds = get_args(Platform)
    kind = named or {"darwin": "launchd", "win32": "windows"}.get(sys.platform, "systemd")
    found: Platform | None = next((each for each in kinds if each == kind), None)
    if found is None:
        raise HubError(f"--platform {named}: expected one of {', '.join(kinds)}.")
    return found


def _service(name: str, platform: Platform, feeds: list[str] | None) -> Service:
    """Return what the unit starts: this Python, this home, these settings, and the feeds where they are named."""
    _checked(name)
    with opened() as hub:
        file = settings_file()
        if not feeds and not (file.exists() and hub.settings.service.follow):
            raise HubError(
                "Say what the unit is to follow: --feed SYMBOL=FEED; or write it into hub.toml, where it can be "
                'changed: [service] follow = ["MGC=folder:/data/mgc"]'
            )
        shadow.named_feeds(hub, feeds or hub.settings.service.follow, None)
        home = hub.settings.home
    python = Path(sys.executable)
    quiet = python.with_name("pythonw.exe")
    words = [str(quiet if platform == "windows" and quiet.exists() else python), "-m", "ml_scripts.service", "run"]
    words += ["--home", str(home), *(["--settings", str(file)] if file.exists() else [])]
    words += [word for feed in feeds or [] for word in ("--feed", feed)]
    user = "\\".join(os.environ.get(part, "") for part in ("USERDOMAIN", "USERNAME")).strip("\\")
    return Service(name, tuple(words), file.parent if file.exists() else home, user)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise HubError(f"{name!r} is no name for a unit; expected letters, digits and -.")
    return name


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _run(commands: list[list[str]]) -> None:
    for command in commands:
        words = " ".join(command)
        if shutil.which(command[0]) is None:
            raise HubError(f"{command[0]} is not on this machine. The unit is written; install it by hand: {words}")
        came = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words and our unit
        if came.returncode:
            raise HubError(f"{words}: left with {came.returncode}: {(came.stderr or came.stdout).strip()}")


def _hints(platform: Platform) -> list[str]:
    if platform != "systemd":
        return ["It starts with every login. How it stands: hub service status."]
    return ["It starts with your login; without one, after: loginctl enable-linger. How it stands: hub service status."]


if __name__ == "__main__":
    run(cli)
