"""Which code made a version: the commit, and the libraries that decide the numbers."""

import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
UNKNOWN: Final = "unknown"
_LIBRARIES: Final = ("lightgbm", "numpy", "numba", "scipy")
_WAIT_S: Final = 20.0


@dataclass(frozen=True)
class CodeState:
    """The commit (`unknown` outside a git checkout), and whether the checkout has changes beside it."""

    commit: str
    dirty: bool


def code_state(project: Path = PROJECT) -> CodeState:
    """Return the state of the git checkout whose top folder is `project`; unknown when it is none."""
    top = _git(project, "rev-parse", "--show-toplevel")
    commit = _git(project, "rev-parse", "HEAD")
    if top is None or commit is None or Path(top).resolve() != project.resolve():
        return CodeState(UNKNOWN, dirty=False)
    return CodeState(commit, dirty=bool(_git(project, "status", "--porcelain")))


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries whose change may change a model."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _git(project: Path, *arguments: str) -> str | None:
    """Return what git prints, or None when there is no git or it refuses."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  # git itself, with arguments of this module
            [program, "-C", str(project), *arguments], capture_output=True, text=True, timeout=_WAIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
