"""When the environment is built and when it is left alone; nothing is installed here."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap


class Builder:
    """Stands for `venv.EnvBuilder` and pip: makes the folder, and writes down what was asked for."""

    def __init__(self, root: Path) -> None:
        self.root, self.told, self.dies_in_pip = root, [], False

    def env_builder(self, *, with_pip: bool, clear: bool) -> "Builder":
        assert with_pip
        self.told.append("new environment")
        if clear:
            for path in (self.root / ".venv").glob("*"):
                path.unlink()
        return self

    def create(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)

    def pip_install(self, arguments: list[str], told_of: int = 0) -> None:
        if self.dies_in_pip:
            raise subprocess.CalledProcessError(1, arguments)
        self.told.append("pip " + Path(arguments[-1]).name)


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    made = Builder(tmp_path)
    for name, text in (("requirements.lock", "a==1"), ("requirements-dev.lock", "a==1 b==1"), ("pyproject.toml", "")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "RUNTIME", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "DEVELOPMENT", tmp_path / "requirements-dev.lock")
    monkeypatch.setattr(bootstrap.venv, "EnvBuilder", made.env_builder)
    monkeypatch.setattr(bootstrap, "pip_install", made.pip_install)
    return made


def built(builder: Builder, lock: str) -> list[str]:
    """Ask for an environment; return what was done for it."""
    builder.told.clear()
    bootstrap.build_environment(getattr(bootstrap, lock))
    return list(builder.told)


def test_the_first_build_makes_an_environment_and_the_second_does_nothing(builder: Builder):
    project = f"pip {builder.root.name}"
    assert built(builder, "RUNTIME") == ["new environment", "pip requirements.lock", project]
    assert built(builder, "RUNTIME") == []


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_is_installed_into_the_environment_that_is_there(builder: Builder, changed: str):
    built(builder, "RUNTIME")
    (builder.root / changed).write_text("a==2")
    assert built(builder, "RUNTIME")[0] == "pip requirements.lock"
    assert built(builder, "RUNTIME") == []


def test_the_environment_of_the_tests_is_good_enough_for_the_hub_but_not_the_reverse(builder: Builder):
    built(builder, "RUNTIME")
    assert built(builder, "DEVELOPMENT")[0] == "pip requirements-dev.lock"
    assert built(builder, "RUNTIME") == []
    assert built(builder, "DEVELOPMENT") == []


def test_a_changed_runtime_lock_makes_the_environment_of_the_tests_old_too(builder: Builder):
    built(builder, "DEVELOPMENT")
    (builder.root / "requirements.lock").write_text("a==2")
    assert built(builder, "RUNTIME")[0] == "pip requirements.lock"
    assert built(builder, "DEVELOPMENT")[0] == "pip requirements-dev.lock"


def test_a_build_that_was_broken_off_begins_anew_even_when_the_lock_is_put_back(builder: Builder):
    built(builder, "RUNTIME")
    (builder.root / "requirements.lock").write_text("a==2")
    builder.dies_in_pip = True
    with pytest.raises(subprocess.CalledProcessError):
        built(builder, "RUNTIME")
    builder.dies_in_pip = False
    (builder.root / "requirements.lock").write_text("a==1")
    assert built(builder, "RUNTIME")[0] == "new environment"


def test_another_python_gets_an_environment_of_its_own(builder: Builder, monkeypatch: pytest.MonkeyPatch):
    built(builder, "RUNTIME")
    monkeypatch.setattr(sys, "version", "3.99.0 (a later one)")
    assert built(builder, "RUNTIME")[0] == "new environment"


def test_a_failed_installation_is_told_in_a_sentence_and_leaves_with_2(
    builder: Builder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    builder.dies_in_pip = True
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "hub"])
    assert bootstrap.main() == 2
    told = capsys.readouterr().err
    assert "could not be built" in told
    assert "Traceback" not in told


def test_an_old_python_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "environment"])
    assert bootstrap.main() == 2
    assert capsys.readouterr().err.startswith("Python 3.11 or later is needed")


@pytest.mark.parametrize(
    ("arguments", "task", "options"),
    [
        (["test", "-q"], "test", ["-q"]),
        (["test", "-k", "spine", "tests/faults"], "test", ["-k", "spine", "tests/faults"]),
        (["hub", "--port", "8600", "--no-browser"], "hub", ["--port", "8600", "--no-browser"]),
        (["hub", "--help"], "hub", ["--help"]),
        (["check"], "check", []),
    ],
)
def test_what_follows_the_task_goes_to_it_whatever_it_begins_with(arguments: list[str], task: str, options: list[str]):
    assert bootstrap.asked(arguments) == (task, options)


@pytest.mark.parametrize("arguments", [[], ["tests"], ["check", "-q"], ["environment", "now"]])
def test_an_unknown_task_or_an_option_that_nothing_takes_is_refused_in_a_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as left:
        bootstrap.asked(arguments)
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("bootstrap.py: error: ")


@pytest.mark.skipif(sys.platform == "win32", reason="a group of processes is interrupted as a terminal of Unix does it")
def test_ctrl_c_leaves_the_hub_the_time_to_end_in_its_own_way_and_gives_its_code():
    script = (
        "import bootstrap, sys; from pathlib import Path; bootstrap.python = lambda: Path(sys.executable); "
        "sys.exit(bootstrap.run('-c', 'import time\\ntry:\\n print(1, flush=True)\\n time.sleep(60)\\n"
        "except KeyboardInterrupt:\\n time.sleep(0.6)\\n raise SystemExit(7)'))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=bootstrap.ROOT, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 7


PIP = """
import sys
for name in ("numpy", "pandas"):
    print(f"Collecting {name}==1.0 (from -r requirements.lock)")
    print("  Using cached a wheel")
print("Installing collected packages: numpy, pandas")
sys.exit(len(sys.argv) > 8)
"""


def test_an_installation_says_how_far_it_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "pip.py").write_text(PIP)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "python", lambda: Path(sys.executable))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bootstrap.pip_install(["--requirement", "requirements.lock"], told_of=2)
    told = [line.strip() for line in capsys.readouterr().err.split("\r")]
    assert told == [
        "", "1 of 2 packages: numpy", "2 of 2 packages: pandas", "installing 2 packages; this takes a minute ..."
    ]  # fmt: skip
    with pytest.raises(subprocess.CalledProcessError):
        bootstrap.pip_install(["--requirement", "requirements.lock", "--a", "--b", "--c"])


def test_every_package_of_a_lock_is_counted():
    assert (
        len(bootstrap.PIN.findall("numpy==2.4 \\\n    --hash=sha256:a\npy_z.x-y==1 ; sys_platform == 'win32'\n# c\n"))
        == 2
    )
