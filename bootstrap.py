"""Builds the environment from the lock file and runs the hub or its tests: `python bootstrap.py hub | test | check`.

Uses nothing but the standard library and Python 3.11 or later, so it runs on a new machine, on Windows too. `make hub`
and `make test` are these commands.
"""

from __future__ import annotations  # an older Python must come as far as the sentence that refuses it

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
RUNTIME, DEVELOPMENT = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
PACKAGES = ("trading", "ml_data", "ml_models", "ml_training", "ml_inference", "ml_monitoring")
TASKS = {
    "hub": "make the demo market if there are no bars yet, and open the hub; options of 'hub start'",
    "test": "run all tests; options of pytest",
    "check": "lint, types, layers and doctests",
    "environment": "only build the environment",
}
TAKE_OPTIONS = ("hub", "test")
LAST_WORDS_SECONDS = 20
PIN = re.compile(r"^[\w.-]+==", re.M)
BROWSER = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


def main() -> int:
    """Run one task and return its exit code."""
    task, options = asked(sys.argv[1:])
    if sys.version_info < (3, 11):  # noqa: UP036 - this file meets interpreters that the project does not
        print(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    try:
        build_environment(RUNTIME if task == "hub" else DEVELOPMENT)
    except subprocess.CalledProcessError as error:
        print(
            f"The environment could not be built ({Path(error.cmd[0]).name} left with {error.returncode}); the lines "
            "above say why. Is there a network? On Debian, is python3-venv installed? Then run this again.",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        print(f"The environment could not be built: {error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if task == "hub":
        return run("-m", "ml_scripts.hub", "start", *options)
    if task == "test":
        install_browser()
        return run("-m", "pytest", "-n", "2", "--dist", "loadgroup", *options)
    if task == "check":
        steps = (
            ("-m", "ruff", "check", "."),
            ("-m", "ruff", "format", "--check", "."),
            ("-m", "mypy"),
            ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
            ("-m", "pytest", "-q", "--doctest-modules", *PACKAGES),
        )
        return next((code for step in steps if (code := run(*step)) != 0), 0)
    return 0


def asked(arguments: list[str]) -> tuple[str, list[str]]:
    """Return the task and its options: those are not ours, but of `hub start` or of pytest."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="bootstrap.py",
        usage="bootstrap.py TASK [OPTIONS]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(("tasks:", *(f"  {name:<13}{what}" for name, what in TASKS.items()))),
    )
    parser.add_argument("task", choices=TASKS, metavar="TASK", help="one of the tasks below, then options of its own")
    task = str(parser.parse_args(arguments[:1]).task)
    if arguments[1:] and task not in TAKE_OPTIONS:
        parser.error(f"{task} takes no options; found {' '.join(arguments[1:])}")
    return task, arguments[1:]


def build_environment(lock: Path) -> None:
    """Create `.venv` with what `lock` pins; nothing is done when it is so already, or holds what tests need as well.

    A build that was broken off leaves no mark, and the next one begins anew; so does another version of Python. A
    changed lock is installed into the environment that is there.
    """
    if any(_mark(path).is_file() and _mark(path).read_text() == _content(path) for path in (lock, DEVELOPMENT)):
        return
    print(f"Building the environment in {ENVIRONMENT} from {lock.name} ...", file=sys.stderr, flush=True)
    marks = [mark for mark in (_mark(RUNTIME), _mark(DEVELOPMENT)) if mark.is_file()]
    if not any(mark.read_text().startswith(f"{sys.version}\n") for mark in marks):
        venv.EnvBuilder(with_pip=True, clear=True).create(ENVIRONMENT)
    for mark in marks:
        mark.unlink(missing_ok=True)
    pip_install(["--require-hashes", "--requirement", str(lock)], told_of=len(PIN.findall(lock.read_text())))
    pip_install(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    _mark(lock).write_text(_content(lock))


def pip_install(arguments: list[str], told_of: int = 0) -> None:
    """Let pip install into `.venv`; on the way say how many of the packages of `told_of` are there (0: of none)."""
    command = [str(python()), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    collected = 0
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout or ():
            if not told_of:
                continue
            if line.startswith("Collecting "):
                collected += 1
                tell(f"  {collected} of {told_of} packages: {line.split()[1].partition('==')[0]}", collected % 10 == 0)
            elif line.startswith("Installing "):
                tell(f"  installing {collected} packages; this takes a minute ...", True)
    if told_of and sys.stderr.isatty():
        print(file=sys.stderr)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def tell(line: str, worth_a_line: bool) -> None:
    """Say how far it has come: on a terminal over and over in one line, elsewhere only what is worth one."""
    if sys.stderr.isatty():
        print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)
    elif worth_a_line:
        print(line, file=sys.stderr, flush=True)


def _mark(lock: Path) -> Path:
    """Return the file that says for which Python and from which content of `lock` the environment was built."""
    return ENVIRONMENT / f".built-{lock.stem}"


def _content(lock: Path) -> str:
    # What tests need goes beyond what the hub needs, so its mark names both locks.
    parts = [path.read_bytes() for path in dict.fromkeys((RUNTIME, lock, ROOT / "pyproject.toml"))]
    return f"{sys.version}\n{hashlib.sha256(b''.join(parts)).hexdigest()}"


def install_browser() -> None:
    """Install Debian's Chromium for the browser tests where that is possible; without it they skip, saying so."""
    if BROWSER.is_file() or shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    print("Installing Chromium for the browser tests ...", file=sys.stderr, flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
    packages = ("chromium", "fonts-liberation")
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=False, **quiet)


def python() -> Path:
    """Return the environment's interpreter."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*arguments: str) -> int:
    """Run the environment's interpreter in the checkout and return its exit code.

    Ctrl+C reaches it too: it is given the time to end in its own way, and its code is the answer.
    """
    process = subprocess.Popen([str(python()), *arguments], cwd=ROOT)
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            return process.wait(LAST_WORDS_SECONDS)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            process.terminate()
            return 130


if __name__ == "__main__":
    sys.exit(main())
