"""From a pointer to a version that may be trusted: hashes, a child process, golden rows, then this process."""

import hashlib
import platform
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

import lightgbm

from ml_models import pointers
from ml_models.documents import DamagedVersion
from ml_models.loaded_version import LoadedVersion
from ml_models.model_version import MANIFEST, FileFact, VersionId
from ml_models.pointers import Pointer
from ml_models.version_files import VersionFiles, read_files, run_load_check
from trading.errors import RegistryError

_KEPT: Final = 16


class VersionLoader:
    """Loads each version once per process, and has it parsed in a child process once per machine.

    What was loaded is kept by the hash of its manifest, never by its path. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, LoadedVersion] = {}
        self._turn = threading.RLock()

    def load(self, model_folder: Path, pointer: Pointer) -> LoadedVersion:
        """Return the version that `pointer` names, or say in which file it is not what was published.

        Raises
        ------
        DamagedVersion
            also when an alias points at a version that is not there, or at another manifest than the one found.
        RegistryError
            when the version was asked for by its number and is not there, or a file cannot be read.
        """
        direct = pointer.alias == pointer.version
        where = f"{model_folder.name} {pointer.version}" + ("" if direct else f" ({pointer.alias})")
        try:
            if not direct and not (model_folder / pointer.version).is_dir():
                file = pointers.pointer_file(pointer.alias)
                raise DamagedVersion(file, f"points at {pointer.version}, which is not on the shelf")
            path = version_folder(model_folder, pointer.version)
            kept = self._kept(path, pointer)
            if kept is not None:
                return kept
            with self._turn:
                return self._kept(path, pointer) or self._parsed(path, pointer)
        except DamagedVersion as error:
            raise error.at(where) from error
        except OSError as error:
            raise RegistryError(f"{where}: cannot be read: {error.strerror} ({error.filename}).") from error

    def verify(self, path: Path) -> tuple[str | None, list[DamagedVersion]]:
        """Return the version hash of the folder `path` and all that is wrong with it; parses it anew in a child."""
        try:
            found = _read(path)
        except DamagedVersion as error:
            return None, [error]
        if found.problems:
            return found.version_hash, list(found.problems)
        problem = run_load_check(path)
        if problem is not None:
            _mark(path.parent, found.version_hash).unlink(missing_ok=True)
            return found.version_hash, [problem]
        return found.version_hash, []

    def _kept(self, path: Path, pointer: Pointer) -> LoadedVersion | None:
        manifest = path / MANIFEST
        version_hash = FileFact.of(manifest.read_bytes()).sha256 if manifest.is_file() else ""
        return self._loaded.get(version_hash) if pointer.version_hash in (None, version_hash) else None

    def _parsed(self, path: Path, pointer: Pointer) -> LoadedVersion:
        found = _read(path)
        if pointer.version_hash not in (None, found.version_hash):
            raise DamagedVersion(MANIFEST, f"is not the one that {pointer.alias} was pointed at")
        contents = found.whole()
        if not _mark(path.parent, found.version_hash).exists():
            problem = run_load_check(path)
            if problem is not None:
                raise problem
            remember_checked(path.parent, found.version_hash)
        loaded = LoadedVersion.parse(found.manifest, found.version_hash, contents)
        while len(self._loaded) >= _KEPT:
            self._loaded.pop(next(iter(self._loaded)))
        self._loaded[found.version_hash] = loaded
        return loaded


def version_folder(model_folder: Path, version: VersionId) -> Path:
    """Return the folder of `version`, or raise `RegistryError` when it is not on the shelf."""
    path = model_folder / version
    if not path.is_dir():
        deleted = " it was deleted;" if (model_folder / pointers.DELETED / version).is_dir() else ""
        model = model_folder.name
        raise RegistryError(f"{model} has no version {version};{deleted} 'hub models list' names those it has.")
    return path


def remember_checked(model_folder: Path, version_hash: str) -> None:
    """Note that this version passed its check on this machine; a shelf that cannot be written is checked again."""
    mark = _mark(model_folder, version_hash)
    try:
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
    except OSError:
        return


def _mark(model_folder: Path, version_hash: str) -> Path:
    machine = f"{platform.node()} {platform.machine()} lightgbm {lightgbm.__version__}"
    return model_folder / ".checked" / f"{version_hash}-{hashlib.sha256(machine.encode()).hexdigest()[:12]}"


def _read(path: Path) -> VersionFiles:
    found = read_files(path)
    if found.manifest.version != path.name or found.manifest.model != path.parent.name:
        problem = f"is of {found.manifest.model} {found.manifest.version}"
        return replace(found, problems=(DamagedVersion(MANIFEST, problem), *found.problems))
    return found
