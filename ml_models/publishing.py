"""Putting a draft on the shelf: built aside, checked in a child process, renamed into place, then pointed at."""

import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ml_models import durable_files
from ml_models.documents import DamagedVersion
from ml_models.model_version import MANIFEST, STAMP, Draft, FileFact, Manifest, VersionId
from ml_models.pointers import (
    DELETED,
    LATEST,
    LATEST_FILE,
    Move,
    append_move,
    settle_journal,
    state,
    write_pointer,
)
from trading.errors import RegistryError

STALE_AFTER: Final = timedelta(hours=1)
_ASIDE: Final = re.compile(r"\.tmp-(\d{8}_\d{6})-[0-9a-f]+")


def publish(
    model_folder: Path,
    draft: Draft,
    manifest: Manifest,
    *,
    lock: Callable[[], AbstractContextManager[object]],
    check: Callable[[Path], DamagedVersion | None],
    on_checked: Callable[[str], None],
    pointed: bool,
) -> VersionId:
    """Publish `draft` as `manifest` says and, if `pointed`, point `latest` at it; return its number.

    `lock` is held only while the finished folder is renamed and the pointer moves; `check` parses a folder in a child
    process; `on_checked` is told the version hash before any reader can see the version. A crash at any point leaves
    the shelf as it was, or the whole new version on it; what lies aside is swept by a later publish. Without a pointer
    the journal is written before the folder is renamed: it may name a candidate that never came, never the other way.
    """
    durable_files.make_folder(model_folder)
    sweep(model_folder, manifest.created_at)
    aside = model_folder / f".tmp-{manifest.created_at.strftime(STAMP)}-{uuid.uuid4().hex}"
    try:
        _build(aside, draft.files(), manifest)
        problem = check(aside)
        if problem is not None:
            cure = "the trained model cannot be loaded again; nothing was published"
            raise DamagedVersion(problem.file, problem.problem, where=f"{manifest.model}: draft", cure=cure)
        with lock():
            moves = settle_journal(model_folder)
            manifest = _renumber(model_folder, aside, manifest, moves)
            version_hash = FileFact.of(manifest.encode()).sha256
            on_checked(version_hash)
            before = state(moves, LATEST) if pointed else None
            move = Move(
                at=manifest.created_at,
                action="publish",
                alias=LATEST if pointed else None,
                from_version=None if before is None else before.version,
                to_version=manifest.version,
                version_hash=version_hash,
                who=manifest.who,
                why=manifest.why,
            )
            if not pointed:
                append_move(model_folder, move)
            durable_files.rename_new(aside, model_folder / manifest.version)
            try:
                if pointed:
                    write_pointer(model_folder, move)
            except OSError:
                if manifest.version not in _read_text(model_folder / LATEST_FILE):
                    durable_files.rename_new(model_folder / manifest.version, aside)
                raise
    finally:
        if aside.exists():
            durable_files.remove_tree(aside)
    return manifest.version


def manifest_of(model: str, draft: Draft, now: datetime, who: str, why: str) -> Manifest:
    """Return the manifest of `draft`, published at `now` (UTC)."""
    facts = {name: FileFact.of(content) for name, content in draft.files().items()}
    return Manifest(model=model, created_at=now, who=who, why=why, files=facts)


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _build(aside: Path, files: dict[str, bytes], manifest: Manifest) -> None:
    aside.mkdir()
    for name, content in files.items():
        durable_files.write_new(aside / name, content)
    durable_files.write_new(aside / MANIFEST, manifest.encode())
    durable_files.sync_folder(aside)


def _renumber(model_folder: Path, aside: Path, manifest: Manifest, moves: Iterable[Move]) -> Manifest:
    """Return `manifest` with a number that was never used, written aside anew if it had to change."""
    used = {each for move in moves for each in (move.from_version, move.to_version)}
    first = manifest
    while (
        manifest.version in used
        or (model_folder / manifest.version).exists()
        or (model_folder / DELETED / manifest.version).exists()
    ):
        manifest = manifest.next_attempt()
    if manifest is not first:
        durable_files.rewrite_new(aside / MANIFEST, manifest.encode())
        durable_files.sync_folder(aside)
    return manifest


def sweep(model_folder: Path, now: datetime) -> None:
    """Remove what publishers that died left aside more than an hour before `now` (by the time in its name)."""
    for path in model_folder.iterdir():
        match = _ASIDE.fullmatch(path.name)
        if match and datetime.strptime(match[1], STAMP).replace(tzinfo=UTC) < now - STALE_AFTER:
            durable_files.remove_tree(path)


def refuse_empty(who: str, why: str) -> None:
    """Raise `RegistryError` unless both say something: the journal is for people."""
    if not who.strip() or not why.strip():
        raise RegistryError("The journal needs to know who moves a model and why; one of them is empty.")
