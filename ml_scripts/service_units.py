"""Units that start the loop and start it again: for systemd, launchd and the Task Scheduler of Windows. Pure text."""

import plistlib
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, Literal
from xml.etree import ElementTree

from trading.errors import HubError

Platform = Literal["systemd", "launchd", "windows"]

_TASK: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_AGAIN_SECONDS: Final = 30
WHAT: Final = "Trading hub: follows the feeds of [service] in hub.toml"


@dataclass(frozen=True)
class Service:
    """What is started: `command` is a program and its arguments, run in `folder`; `name` names the unit.

    `user` is whose login starts it, as Windows writes it; the other platforms install it for who asks.
    """

    name: str
    command: tuple[str, ...]
    folder: PurePath
    user: str = ""


def unit_of(service: Service, platform: Platform) -> bytes:
    """Return the contents of the unit's file.

    Raises
    ------
    HubError
        when a path holds a sign that no unit can hold (a line break, a NUL).
    """
    for word in (*service.command, str(service.folder)):
        if any(sign < " " for sign in word):
            raise HubError(f"{word!r} holds a sign that no unit can hold; move the folder to a name without it.")
    return {"systemd": _systemd, "launchd": _launchd, "windows": _windows}[platform](service)


def file_name(service: Service, platform: Platform) -> str:
    """Return what the unit's file is called."""
    return service.name + {"systemd": ".service", "launchd": ".plist", "windows": ".xml"}[platform]


def place_of(service: Service, platform: Platform, home: Path) -> Path:
    """Return where the unit of a person whose home folder is `home` is installed."""
    folders = {"systemd": ".config/systemd/user", "launchd": "Library/LaunchAgents", "windows": ".trading-hub"}
    return home / folders[platform] / file_name(service, platform)


def commands_to_install(service: Service, platform: Platform, place: Path, user: int) -> list[list[str]]:
    """Return the commands that make the platform start the unit at `place`, now and with every login."""
    return {
        "systemd": [
            ["systemctl", "--user", "daemon-reload"],
            ["systemctl", "--user", "enable", "--now", service.name],
        ],
        "launchd": [["launchctl", "bootstrap", f"gui/{user}", str(place)]],
        "windows": [
            ["schtasks", "/Create", "/TN", service.name, "/XML", str(place), "/F"],
            ["schtasks", "/Run", "/TN", service.name],
        ],
    }[platform]


def commands_to_remove(service: Service, platform: Platform, user: int) -> list[list[str]]:
    """Return the commands that stop the unit, and keep the platform from starting it again."""
    return {
        "systemd": [["systemctl", "--user", "disable", "--now", service.name]],
        "launchd": [["launchctl", "bootout", f"gui/{user}/{service.name}"]],
        "windows": [
            ["schtasks", "/End", "/TN", service.name],
            ["schtasks", "/Delete", "/TN", service.name, "/F"],
        ],
    }[platform]


def _systemd(service: Service) -> bytes:
    folder = str(service.folder).replace("%", "%%")
    # systemd takes these signs in arguments and not in the program's own name: there a shell starts it.
    through = ("/bin/sh", "-c", 'exec "$0" "$@"') if set(service.command[0]) & set("'\"\\$") else ()
    return f"""[Unit]
Description={WHAT}
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory={folder}
EnvironmentFile=-%h/.config/{service.name}.env
ExecStart={" ".join(_systemd_word(word) for word in (*through, *service.command))}
Restart=on-failure
RestartSec={_AGAIN_SECONDS}
TimeoutStopSec=120

[Install]
WantedBy=default.target
""".encode()


def _systemd_word(word: str) -> str:
    r"""Return a word of `ExecStart` as systemd reads it back: quoted, specifiers and variables doubled.

    >>> print(_systemd_word('/home/ann/100% "gold" $x'))
    "/home/ann/100%% \"gold\" $$x"
    """
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(sign, written)
    return f'"{word}"'


def _launchd(service: Service) -> bytes:
    return plistlib.dumps(
        {
            "Label": service.name,
            "ProgramArguments": list(service.command),
            "WorkingDirectory": str(service.folder),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": _AGAIN_SECONDS,
            "ExitTimeOut": 120,
        }
    )


def _windows(service: Service) -> bytes:
    program, *arguments = service.command
    task = ElementTree.Element("Task", {"version": "1.2", "xmlns": _TASK})
    _add(task, "RegistrationInfo", {"Description": WHAT})
    me = {"UserId": service.user} if service.user else {}
    # A task that starts with everybody's login may be made by administrators alone.
    _add(ElementTree.SubElement(task, "Triggers"), "LogonTrigger", {"Enabled": "true", **me})
    principal = _add(ElementTree.SubElement(task, "Principals"), "Principal", {**me, "LogonType": "InteractiveToken"})
    principal.set("id", "Author")
    settings = _add(
        task,
        "Settings",
        {
            "MultipleInstancesPolicy": "IgnoreNew",
            "DisallowStartIfOnBatteries": "false",
            "StopIfGoingOnBatteries": "false",
            "StartWhenAvailable": "true",
        },
    )
    _add(settings, "RestartOnFailure", {"Interval": "PT1M", "Count": "999"})
    ElementTree.SubElement(settings, "ExecutionTimeLimit").text = "PT0S"
    actions = ElementTree.SubElement(task, "Actions", {"Context": "Author"})
    command = {"Command": program, "Arguments": subprocess.list2cmdline(arguments)}
    _add(actions, "Exec", {**command, "WorkingDirectory": str(service.folder)})
    ElementTree.indent(task)
    return bytes(ElementTree.tostring(task, encoding="utf-16", xml_declaration=True))


def _add(parent: ElementTree.Element, name: str, texts: dict[str, str]) -> ElementTree.Element:
    added = ElementTree.SubElement(parent, name)
    for each, text in texts.items():
        ElementTree.SubElement(added, each).text = text
    return added
