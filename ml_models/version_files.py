"""The files of a version folder against its manifest, and the check in a child process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ml_models.documents import DamagedVersion
from ml_models.model_version import FILES, MANIFEST, FileFact, Manifest, is_part

_CHECK_TIMEOUT_S: Final = 120.0
_PACKAGES: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class VersionFiles:
    """A version folder as it was read: contents by name, and what is wrong with them."""

    manifest: Manifest
    version_hash: str
    contents: Mapping[str, bytes]
    problems: tuple[DamagedVersion, ...]

    def whole(self) -> Mapping[str, bytes]:
        """Return the contents, or raise the first problem."""
        if self.problems:
            raise self.problems[0]
        return self.contents


def read_files(folder: Path) -> VersionFiles:
    """Return the files of `folder`, read once, with every way in which they are not those of its manifest.

    Raises
    ------
    DamagedVersion
        when the manifest itself is missing or cannot be understood.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise DamagedVersion(MANIFEST, "is missing") from error
    manifest = Manifest.read(raw)
    contents: dict[str, bytes] = {}
    problems: list[DamagedVersion] = []
    for name in sorted({*manifest.files, *FILES}):
        path, fact = folder / name, manifest.files.get(name)
        if fact is None or not (name in FILES or is_part(name)):
            problems.append(DamagedVersion(MANIFEST, f"lists {', '.join(sorted(manifest.files))}; {name} is wrong"))
        elif not path.is_file():
            problems.append(DamagedVersion(name, "is missing"))
        else:
            contents[name] = path.read_bytes()
            problems += _differences(name, fact, FileFact.of(contents[name]))
    belongs = {MANIFEST, *FILES, *(name for name in manifest.files if is_part(name))}
    for extra in sorted(path.name for path in folder.iterdir() if path.name not in belongs):
        problems.append(DamagedVersion(extra, "does not belong to the version", cure="move it out of the folder"))
    return VersionFiles(manifest, FileFact.of(raw).sha256, contents, tuple(problems))


def _differences(name: str, expected: FileFact, found: FileFact) -> list[DamagedVersion]:
    if found.size != expected.size:
        return [DamagedVersion(name, f"has {found.size} bytes, {expected.size} were published")]
    if found.sha256 != expected.sha256:
        return [DamagedVersion(name, "was changed after it was published (its SHA-256 differs)")]
    return []


def run_load_check(folder: Path) -> DamagedVersion | None:
    """Parse the version in `folder` in a child process; return what is wrong with it, or None."""
    paths = os.pathsep.join([str(_PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        child = subprocess.run(  # noqa: S603  # our own interpreter and module, on a folder of the registry
            [sys.executable, "-m", "ml_models.load_check", str(folder.resolve())],
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_CHECK_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return DamagedVersion("model.txt", f"LightGBM did not finish reading it in {_CHECK_TIMEOUT_S:.0f} s")
    try:
        verdict = json.loads(child.stdout.decode(errors="replace").splitlines()[-1])
        if child.returncode == 0 and verdict["ok"] is True:
            return None
        return DamagedVersion(verdict["file"], verdict["problem"])
    except (IndexError, ValueError, KeyError, TypeError):
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        said = f": {last[0][:200]}" if last else ""
        return DamagedVersion("model.txt", f"reading it ended the check process with code {child.returncode}{said}")
