"""The model shelf: `<root>/<model>/<version>/`, LATEST_VERSION.txt, aliases, journal.

Readers take no lock: every pointer is replaced in one step and every version is complete before a pointer can name it.
Writers of one model take turns. No method reads a clock: `now` is the caller's.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import filelock

from ml_models import durable_files, pointers, publishing
from ml_models.documents import DamagedVersion, encode
from ml_models.loaded_version import LoadedVersion
from ml_models.metadata import Metadata
from ml_models.model_version import MANIFEST, Draft, FileFact, Manifest, VersionId, VersionSummary, utc
from ml_models.pointers import CHAMPION, LATEST, PREVIOUS, Move, Pointer
from ml_models.published import PublishedVersion, published_in
from ml_models.version_files import run_load_check
from ml_models.version_loader import VersionLoader, remember_checked, version_folder
from trading.errors import RegistryError

_MODEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_NOT_COPIED: Final = re.compile(r"\.lock|\.checked|\.tmp-.*|\..*\.aside")
_LOCK_WAIT_S: Final = 60.0
_POINTER_READS: Final = 3  # a pointer may move, and its old version be deleted, while a reader is on its way


class ModelRegistry:
    """All models under `root`. Safe to share between threads; any number of processes may open the same `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._loader = VersionLoader()

    def models(self) -> tuple[str, ...]:
        """Return the names of the models that have a folder, sorted; none when the registry does not exist yet."""
        if not self._is_there():
            return ()
        return tuple(sorted(path.name for path in self.root.iterdir() if path.is_dir() and _MODEL.fullmatch(path.name)))

    def versions(self, model: str) -> tuple[VersionSummary, ...]:
        """Return all versions on the shelf, oldest first. A version with an unreadable manifest says so itself."""
        folder = self._folder(model)
        pointing: dict[str, list[str]] = {}
        for alias in pointers.aliases(folder):
            try:
                move = pointers.read_pointer(folder, alias)
            except DamagedVersion:
                continue  # whoever follows the pointer is told
            if move is not None and move.to_version is not None:
                pointing.setdefault(move.to_version, []).append(alias)
        names = sorted(path.name for path in folder.iterdir() if VersionId.fits(path.name))
        try:
            moves = pointers.read_moves(folder)
        except DamagedVersion:
            moves = ()  # whoever moves a pointer is told
        return tuple(_summary(folder / name, tuple(pointing.get(name, ())), moves) for name in names)

    def metadata(self, model: str, version: str) -> Metadata:
        """Return how a version came to be, from its folder alone: nothing else of it is read or checked.

        Raises
        ------
        RegistryError
            when the version is not there or its metadata cannot be read.
        """
        path = version_folder(self._folder(model), VersionId(version)) / "metadata.json"
        try:
            return Metadata.read(path.read_bytes())
        except DamagedVersion as error:
            raise error.at(f"{model} {version}") from error
        except OSError as error:
            raise RegistryError(f"{model} {version}: cannot be read: {error.strerror} ({error.filename}).") from error

    def published(self, model: str, version: str) -> PublishedVersion:
        """Return what a version says of itself, its files checked byte by byte; no model is parsed.

        Raises
        ------
        DamagedVersion
            when a file of it is not what was published.
        """
        folder = version_folder(self._folder(model), VersionId(version))
        try:
            return published_in(folder, model, VersionId(version))
        except DamagedVersion as error:
            raise error.at(f"{model} {version}") from error
        except OSError as error:
            raise RegistryError(f"{model} {version}: cannot be read: {error.strerror} ({error.filename}).") from error

    def load(self, model: str, which: str = LATEST) -> LoadedVersion:
        """Return a version that was checked byte by byte and whose golden rows came back.

        `which` is a version, an alias, `latest` or `previous` (where a rollback of the champion would go). Loaded once
        per process; parsed first in a child process, once per version and machine.

        Raises
        ------
        DamagedVersion
            when a file of the version or the pointer to it is not what was published; nothing else is used instead.
        RegistryError
            when there is no such registry, model, version or alias.
        """
        folder = self._folder(model)
        pointer = self._resolve(folder, which)
        for left in reversed(range(_POINTER_READS)):
            try:
                return self._loader.load(folder, pointer)
            except RegistryError:
                again = self._resolve(folder, which)
                if again == pointer or not left:
                    raise
                pointer = again
        raise AssertionError("the last try returns or raises")

    def load_or_previous(self, model: str, which: str = CHAMPION) -> tuple[LoadedVersion, str | None]:
        """Return what `which` names, or, when that is damaged, the version it named before, with a warning to show.

        Raises
        ------
        DamagedVersion
            when no earlier version of this pointer can be loaded either.
        """
        try:
            return self.load(model, which), None
        except DamagedVersion as error:
            damaged = error
        steps = pointers.trail(pointers.read_moves(self._folder(model)), which)
        for earlier in dict.fromkeys(move.to_version for move in reversed(steps) if move.to_version):
            try:
                version = self.load(model, earlier)
            except RegistryError:
                continue
            return version, f"{damaged} Until then {version.version} answers in its place."
        raise damaged

    def verify(self, model: str, version: str) -> list[str]:
        """Return all that is wrong with a version, each as a sentence; empty when it is good.

        Parses it anew in a child process, whatever an earlier check said.
        """
        folder = self._folder(model)
        version_hash, problems = self._loader.verify(version_folder(folder, VersionId(version)))
        known = pointers.hash_of(pointers.read_moves(folder), version)
        if not problems and known not in (None, version_hash):
            problems = [DamagedVersion(MANIFEST, "is not the one that the journal knows")]
        return [str(problem.at(f"{model} {version}")) for problem in problems]

    def publish(
        self, model: str, draft: Draft, *, now: datetime, who: str, why: str, pointed: bool = True
    ) -> VersionId:
        """Put `draft` on the shelf and point `latest` at it; return its number. Not `pointed`, it is a candidate.

        Raises
        ------
        RegistryError
            when the draft cannot be loaded again with the same predictions, or the folder cannot be written; the shelf
            is then as it was, but for a journal that alone could not be written: the next change writes it.
        """
        publishing.refuse_empty(who, why)
        folder = self.root / _model_name(model)
        manifest = publishing.manifest_of(model, draft, utc(now), who, why)
        with self._writing(folder):
            return publishing.publish(
                folder,
                draft,
                manifest,
                lock=lambda: self._locked(folder),
                check=run_load_check,
                on_checked=lambda version_hash: remember_checked(folder, version_hash),
                pointed=pointed,
            )

    def reject(self, model: str, version: str, *, now: datetime, who: str, why: str) -> None:
        """Write down that `version` is not to be used: no pointer is set at it any more. The first word counts.

        Raises
        ------
        RegistryError
            when a pointer was ever set at it.
        """
        publishing.refuse_empty(who, why)
        folder = self._folder(model)
        with self._writing(folder), self._locked(folder):
            version_folder(folder, VersionId(version))
            moves = pointers.settle_journal(folder)
            if pointers.rejection(moves, version) is not None:
                return
            set_before = sorted({move.alias for move in moves if move.to_version == version and move.alias})
            if set_before:
                raise RegistryError(
                    f"{model} {version} cannot be rejected: it is or was {', '.join(set_before)}; move that instead."
                )
            known = pointers.hash_of(moves, version)
            pointers.append_move(folder, Move(utc(now), "reject", None, None, VersionId(version), known, who, why))

    def promote(
        self,
        model: str,
        version: str,
        alias: str = CHAMPION,
        *,
        now: datetime,
        who: str,
        why: str,
        evidence_hash: str | None = None,
    ) -> Pointer:
        """Point `alias` at `version` once that loads; pointing where it already points changes nothing.

        Raises
        ------
        RegistryError
            when the version was rejected, or is a candidate that is not a challenger yet.
        """
        publishing.refuse_empty(who, why)
        pointers.checked_alias(alias)
        folder = self._folder(model)
        loaded = self._loader.load(folder, Pointer(alias, VersionId(version), None))
        with self._writing(folder), self._locked(folder):
            version_folder(folder, loaded.version)
            moves = pointers.settle_journal(folder)
            pointers.refuse_unjudged(model, loaded.version, alias, moves)
            before = pointers.state(moves, alias)
            target = Pointer(alias, loaded.version, loaded.version_hash)
            if before is not None and before.version == target.version and self._points_at(folder, target):
                return target
            source = None if before is None else before.version
            move = Move(
                utc(now), "promote", alias, source, target.version, target.version_hash, who, why, evidence_hash
            )
            pointers.write_pointer(folder, move)
        return target

    def rollback(self, model: str, alias: str = CHAMPION, *, now: datetime, who: str, why: str) -> Pointer:
        """Point `alias` back at the version before; once more goes back one further. That version must load."""
        publishing.refuse_empty(who, why)
        pointers.checked_alias(alias)
        folder = self._folder(model)
        with self._writing(folder), self._locked(folder):
            moves = pointers.settle_journal(folder)
            steps = pointers.trail(moves, alias)
            if len(steps) < 2 or (target := steps[-2].to_version) is None:
                raise RegistryError(
                    f"{model}: {alias} has no version before; 'hub models promote' points it at another."
                )
            loaded = self._loader.load(folder, Pointer(alias, target, pointers.hash_of(moves, target)))
            now_at = steps[-1].to_version
            move = Move(utc(now), "rollback", alias, now_at, target, loaded.version_hash, who, why)
            pointers.write_pointer(folder, move)
        return Pointer(alias, target, loaded.version_hash)

    def alias(self, model: str, name: str) -> Pointer | None:
        """Return where `name` (an alias, `latest`, `previous`) points now, or None when it was never set."""
        folder = self._folder(model)
        if name == PREVIOUS:
            return pointers.state(pointers.read_moves(folder), PREVIOUS)
        move = pointers.read_pointer(folder, pointers.checked_alias(name))
        return None if move is None or move.to_version is None else Pointer(name, move.to_version, move.version_hash)

    def aliases(self, model: str) -> tuple[str, ...]:
        """Return the names of the pointers that were set, sorted, `latest` among them."""
        return pointers.aliases(self._folder(model))

    def state_at(self, model: str, alias: str, instant: datetime) -> Pointer | None:
        """Return where `alias` pointed at `instant` (with a zone), or None when it was not set yet."""
        at = utc(instant)
        return pointers.state([move for move in self.journal(model) if move.at <= at], alias)

    def journal(self, model: str) -> tuple[Move, ...]:
        """Return all moves of the model's pointers, and its deletions, in the order they were made."""
        return pointers.read_moves(self._folder(model))

    def delete(
        self, model: str, version: str, *, now: datetime, who: str, why: str, referenced: Callable[[str], bool]
    ) -> None:
        """Move `version` into `.deleted/`; its number is never used again.

        `referenced` answers for a version hash whether anything outside the registry, such as a logged prediction,
        still needs it.

        Raises
        ------
        RegistryError
            when a pointer names it, a rollback would go to it, or it is `referenced`; the message says which.
        """
        publishing.refuse_empty(who, why)
        folder = self._folder(model)
        with self._writing(folder), self._locked(folder):
            moves = pointers.settle_journal(folder)
            path = version_folder(folder, VersionId(version))
            hashes = _hashes(path) | {each for each in (pointers.hash_of(moves, version),) if each}
            needed = _needed_by(folder, moves, version)
            needed += ["logged predictions"] if any(referenced(each) for each in sorted(hashes)) else []
            if needed:
                raise RegistryError(f"{model} {version} is still needed by: {', '.join(needed)}. Nothing was deleted.")
            known = pointers.hash_of(moves, version) or next(iter(hashes), None)
            move = Move(utc(now), "delete", None, VersionId(version), None, known, who, why)
            deleted = folder / pointers.DELETED
            durable_files.make_folder(deleted)
            durable_files.replace_file(deleted / f"{version}.json", encode("deletion", move.document()))
            durable_files.rename_new(path, deleted / version)
            pointers.append_move(folder, move)

    def copy_model(self, model: str, root: Path) -> None:
        """Copy a model's folder whole, with journal, pointers and deleted versions, to the registry folder `root`.

        Nobody changes the model meanwhile. What a publisher builds aside, locks and marks of this machine stay behind.

        Raises
        ------
        RegistryError
            when it is there already, or cannot be read or written; the message names the file.
        """
        folder, target = self._folder(model), root / model
        with self._writing(target), self._locked(folder):
            durable_files.make_folder(root)
            durable_files.copy_tree(folder, target, lambda name: _NOT_COPIED.fullmatch(name) is not None)

    def _is_there(self) -> bool:
        if self.root.exists() and not self.root.is_dir():
            raise RegistryError(f"{self.root}: expected the folder of the models, found a file; move it away.")
        return self.root.is_dir()

    def _folder(self, model: str) -> Path:
        folder = self.root / _model_name(model)
        if not self._is_there():
            raise RegistryError(f"There is no model registry at {self.root} yet; 'hub train' makes the first version.")
        if not folder.is_dir():
            known = ", ".join(self.models()) or "none"
            raise RegistryError(f"There is no model {model!r} at {self.root} (known: {known}); 'hub train' makes one.")
        return folder

    def _resolve(self, folder: Path, which: str) -> Pointer:
        if VersionId.fits(which):
            return Pointer(which, VersionId(which), None)
        try:
            pointer = self.alias(folder.name, which)
        except DamagedVersion as error:
            raise error.at(folder.name) from error
        if pointer is None:
            cure = "'hub train' publishes one" if which == LATEST else "'hub models promote' sets it"
            raise RegistryError(f"{folder.name}: {which} does not point at any version; {cure}.")
        return pointer

    def _points_at(self, folder: Path, target: Pointer) -> bool:
        try:
            return self.alias(folder.name, target.alias) == target
        except DamagedVersion:
            return False

    @contextmanager
    def _writing(self, folder: Path) -> Iterator[None]:
        try:
            yield
        except filelock.Timeout as error:
            raise RegistryError(
                f"{folder.name}: another process has been changing the registry for {_LOCK_WAIT_S:.0f} s; try again."
            ) from error
        except OSError as error:
            raise RegistryError(f"{folder}: cannot be written: {error.strerror} ({error.filename}).") from error

    def _locked(self, folder: Path) -> filelock.BaseFileLock:
        return filelock.FileLock(folder / ".lock", timeout=_LOCK_WAIT_S, poll_interval=0.005)


def _model_name(model: str) -> str:
    if not _MODEL.fullmatch(model):
        raise RegistryError(f"{model!r} is not a model name; use letters, digits, '_' and '-', such as 'directional'.")
    return model


def _summary(path: Path, aliases: tuple[str, ...], moves: tuple[Move, ...]) -> VersionSummary:
    version = VersionId(path.name)
    try:
        raw = (path / MANIFEST).read_bytes()
        manifest = Manifest.read(raw)
    except OSError as error:
        return VersionSummary(version, aliases, problem=f"{MANIFEST}: {error.strerror}")
    except DamagedVersion as error:
        return VersionSummary(version, aliases, problem=f"{MANIFEST}: {error.problem}")
    rejected = pointers.rejection(moves, version)
    return VersionSummary(
        version,
        aliases,
        manifest.created_at,
        manifest.who,
        manifest.why,
        version_hash=FileFact.of(raw).sha256,
        rejected=None if rejected is None else rejected.why,
        candidate=pointers.is_candidate(moves, version),
    )


def _hashes(path: Path) -> set[str]:
    manifest = path / MANIFEST
    return {FileFact.of(manifest.read_bytes()).sha256} if manifest.is_file() else set()


def _needed_by(folder: Path, moves: tuple[Move, ...], version: str) -> list[str]:
    needed = []
    names = sorted({*pointers.aliases(folder), *(move.alias for move in moves if move.alias)})
    for alias in names:
        steps = [move.to_version for move in pointers.trail(moves, alias)][-2:]
        if steps and steps[-1] == version:
            needed.append(pointers.LATEST_FILE if alias == LATEST else alias)
        elif version in steps:
            needed.append(f"the rollback of {alias}")
    return needed
