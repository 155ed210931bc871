"""Units as the platforms read them back: paths with spaces, quotes, percent and dollar signs, and any script."""

import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pytest

from ml_scripts.service_units import Service, commands_to_install, place_of, unit_of
from trading.errors import HubError

ODD = '/home/ann o\'hara/100% "gold" $HOME/größe & <more>'
WORDS = ("-m", "ml_scripts.service", "run", "--home", ODD, "--settings", f"{ODD}/hub.toml")
ODDLY = Service("trading-hub", (f"{ODD}/bin/python", *WORDS), PurePosixPath(ODD), "HOME\\ann")


def test_launchd_reads_every_word_back():
    unit = plistlib.loads(unit_of(ODDLY, "launchd"))
    assert unit["ProgramArguments"] == [f"{ODD}/bin/python", *WORDS]
    assert unit["WorkingDirectory"] == ODD
    assert (unit["Label"], unit["RunAtLoad"], unit["KeepAlive"]) == ("trading-hub", True, {"SuccessfulExit": False})


def test_windows_reads_every_word_back():
    task = ElementTree.fromstring(unit_of(ODDLY, "windows"))  # noqa: S314 - our own
    name = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    sections = [child.tag.removeprefix(name) for child in task]
    assert sections == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    action = task.find(f"{name}Actions/{name}Exec")
    assert action is not None
    told = {child.tag.removeprefix(name): child.text or "" for child in action}
    assert told["Command"] == f"{ODD}/bin/python"
    assert told["WorkingDirectory"] == ODD
    # Words with blanks are quoted, and in quotes Windows and shlex read a backslash before a quote alike.
    assert shlex.split(told["Arguments"]) == list(WORDS)
    settings = task.find(f"{name}Settings")
    assert settings is not None
    assert settings.findtext(f"{name}StopIfGoingOnBatteries") == "false"
    assert settings.findtext(f"{name}MultipleInstancesPolicy") == "IgnoreNew"
    assert settings.findtext(f"{name}RestartOnFailure/{name}Interval") == "PT1M"
    assert {each.text for each in task.iter(f"{name}UserId")} == {"HOME\\ann"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
@pytest.mark.parametrize("name", ["ann 100%", "ann o'hara 100% $HOME"])
def test_systemd_verifies_the_unit_and_reads_every_word_back(tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.mkdir()
    program = folder / "python 3"
    program.symlink_to(sys.executable)
    unit = tmp_path / "trading-hub.service"
    unit.write_bytes(unit_of(Service("trading-hub", (str(program), *WORDS), folder), "systemd"))
    came = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (came.returncode, came.stderr) == (0, "")
    [line] = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$"))
    through = ["/bin/sh", "-c", 'exec "$0" "$@"'] if "$" in name else []
    assert words == [*through, str(program), *WORDS]


def test_a_path_with_a_line_break_is_refused():
    with pytest.raises(HubError, match="holds a sign that no unit can hold"):
        unit_of(Service("trading-hub", ("/a\nExecStartPre=/b",), PurePosixPath("/a")), "systemd")


def test_units_lie_where_the_platform_looks_and_are_started_by_its_own_command():
    home = Path("/home/ann")
    assert place_of(ODDLY, "systemd", home) == home / ".config/systemd/user/trading-hub.service"
    assert place_of(ODDLY, "launchd", home) == home / "Library/LaunchAgents/trading-hub.plist"
    plist = place_of(ODDLY, "launchd", home)
    assert commands_to_install(ODDLY, "launchd", plist, 501) == [["launchctl", "bootstrap", "gui/501", str(plist)]]
    assert commands_to_install(ODDLY, "systemd", home, 0)[-1] == [
        "systemctl",
        "--user",
        "enable",
        "--now",
        "trading-hub",
    ]
