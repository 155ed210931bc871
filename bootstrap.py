"""Builds the environment from the lock file and runs the hub or its tests: `python bootstrap.py hub | test | check`.

Uses nothing but the standard library and Python 3.11 or later, so it runs on a new machine, on Windows too. `make hub`
and `make test` are these commands.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
RUNTIME, DEVELOPMENT = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
PACKAGES = ("trading", "ml_data", "ml_models", "ml_training", "ml_inference", "ml_monitoring")
BROWSER = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


def main() -> int:
    """Run one task and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    hub = tasks.add_parser("hub", help="make the demo market if there are no bars yet, and open the hub")
    hub.add_argument("options", nargs=argparse.REMAINDER, help="options of 'hub start'")
    test = tasks.add_parser("test", help="run all tests")
    test.add_argument("options", nargs=argparse.REMAINDER, help="options of pytest")
    tasks.add_parser("check", help="lint, types, layers and doctests")
    tasks.add_parser("environment", help="only build the environment")
    asked = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - this file meets interpreters that the project does not
        print(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    try:
        build_environment(RUNTIME if asked.task == "hub" else DEVELOPMENT)
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
    if asked.task == "hub":
        return run("-m", "ml_scripts.hub", "start", *asked.options)
    if asked.task == "test":
        install_browser()
        return run("-m", "pytest", "-n", "2", "--dist", "loadgroup", *asked.options)
    if asked.task == "check":
        steps = (
            ("-m", "ruff", "check", "."),
            ("-m", "ruff", "format", "--check", "."),
            ("-m", "mypy"),
            ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
            ("-m", "pytest", "-q", "--doctest-modules", *PACKAGES),
        )
        return next((code for step in steps if (code := run(*step)) != 0), 0)
    return 0


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
    pip = (str(python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    subprocess.run([*pip, "--require-hashes", "--requirement", str(lock)], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], check=True)
    _mark(lock).write_text(_content(lock))


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
    """Run the environment's interpreter in the checkout and return its exit code; Ctrl+C reaches it alone."""
    try:
        return subprocess.run([str(python()), *arguments], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
