"""Pointers at versions, and the journal of their moves: who moved which pointer when, from where to where, and why.

A pointer is a file that is replaced in one step and holds the move that set it; the move is then appended to
`journal.jsonl`. A crash between the two loses nothing: the pointer's own move counts as the journal's last until the
next change of the registry writes it there. `latest` is LATEST_VERSION.txt, which holds the version's number alone;
the move that set it lies in `aliases/latest.json`. A deletion is likewise announced by `.deleted/<version>.json`.

A candidate is published without a pointer: its publication names no alias. It is judged by what follows in the journal:
a pointer, or a rejection. No pointer is ever set at a version that was rejected.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self

from ml_models import durable_files
from ml_models.documents import DamagedVersion, Fields, Json, decode, encode
from ml_models.model_version import VersionId
from trading.errors import RegistryError

LATEST: Final = "latest"
CHAMPION: Final = "champion"
PREVIOUS: Final = "previous"
LATEST_FILE: Final = "LATEST_VERSION.txt"
JOURNAL: Final = "journal.jsonl"
DELETED: Final = ".deleted"

CHALLENGER: Final = "challenger-"
"""What the aliases of versions begin with that answer beside the champion."""

Action = Literal["publish", "promote", "rollback", "delete", "found", "reject"]
_ACTIONS: Final[tuple[Action, ...]] = ("publish", "promote", "rollback", "delete", "found", "reject")
_ALIAS: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
_AGAIN: Final = "'hub models promote' writes it again"


@dataclass(frozen=True)
class Pointer:
    """Where a pointer points: the version and the SHA-256 of its manifest (None: not known)."""

    alias: str
    version: VersionId
    version_hash: str | None


@dataclass(frozen=True)
class Move:
    """One line of the journal. `at` is UTC by the mover's clock; a deletion has no alias and no `to`.

    The publication of a candidate and a rejection have no alias: they move no pointer.

    Action `found` was not done by the registry: a pointer file was changed by hand, `at` is then the file's own time.
    """

    at: datetime
    action: Action
    alias: str | None
    from_version: VersionId | None
    to_version: VersionId | None
    version_hash: str | None
    who: str
    why: str
    evidence_hash: str | None = None

    def document(self) -> Json:
        """Return the move as the journal's JSON object."""
        return {
            "at": self.at.isoformat(),
            "action": self.action,
            "alias": self.alias,
            "from": self.from_version,
            "to": self.to_version,
            "manifest_sha256": self.version_hash,
            "who": self.who,
            "why": self.why,
            "evidence_sha256": self.evidence_hash,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the move in a JSON object, or raise `DamagedVersion`."""
        found = fields.text("action")
        action = next((known for known in _ACTIONS if known == found), None)
        if action is None:
            raise DamagedVersion(fields.file, f"action: expected one of {', '.join(_ACTIONS)}, found {found!r}")
        return cls(
            at=fields.instant("at").astimezone(UTC),
            action=action,
            alias=fields.optional_text("alias"),
            from_version=_version(fields, "from"),
            to_version=_version(fields, "to"),
            version_hash=fields.optional_text("manifest_sha256"),
            who=fields.text("who"),
            why=fields.text("why"),
            evidence_hash=fields.optional_text("evidence_sha256"),
        )


def _version(fields: Fields, key: str) -> VersionId | None:
    text = fields.optional_text(key)
    if text is not None and not VersionId.fits(text):
        raise DamagedVersion(fields.file, f"{key}: {text!r} is not a model version")
    return None if text is None else VersionId(text)


def checked_alias(alias: str) -> str:
    """Return `alias`, or raise `RegistryError` when no pointer may be called so."""
    if alias == PREVIOUS:
        raise RegistryError("'previous' follows from the champion's journal and cannot be moved; promote the champion.")
    if not _ALIAS.fullmatch(alias):
        raise RegistryError(f"{alias!r} is not an alias; use small letters, digits and '-', such as 'challenger-1'.")
    return alias


def pointer_file(alias: str) -> str:
    """Return the name of the file that holds `alias`, relative to the model's folder."""
    return {LATEST: LATEST_FILE, PREVIOUS: JOURNAL}.get(alias, f"aliases/{alias}.json")


def read_pointer(model_folder: Path, alias: str) -> Move | None:
    """Return the move that set `alias`, or None when it was never set.

    For a LATEST_VERSION.txt that was changed by hand the move is a `found` one, without from and manifest hash.

    Raises
    ------
    DamagedVersion
        when the pointer's file cannot be understood.
    """
    try:
        if alias == LATEST:
            return _read_latest(model_folder)
        return _read_move(model_folder / "aliases" / f"{alias}.json", alias)
    except DamagedVersion as error:
        raise error.at(model_folder.name) from error


def _read_move(path: Path, alias: str) -> Move | None:
    file = f"aliases/{path.name}"
    try:
        move = Move.read(decode(file, path.read_bytes()))
    except FileNotFoundError:
        return None
    except DamagedVersion as error:
        raise DamagedVersion(file, error.problem, cure=_AGAIN) from error
    if move.alias != alias or move.to_version is None:
        raise DamagedVersion(file, f"holds a move of {move.alias} to {move.to_version}", cure=_AGAIN)
    return move


def _read_latest(model_folder: Path) -> Move | None:
    path = model_folder / LATEST_FILE
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        text = "\N{REPLACEMENT CHARACTER}"
    cure = "write the number of a good version into it ('hub models list'), or train again"
    if not text:
        raise DamagedVersion(LATEST_FILE, "is empty", cure=cure)
    if not VersionId.fits(text):
        raise DamagedVersion(LATEST_FILE, f"holds {text[:40]!r}, not a model version", cure=cure)
    try:
        move = _read_move(model_folder / "aliases" / "latest.json", LATEST)
    except DamagedVersion:
        move = None
    if move is not None and move.to_version == text:
        return move
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    why = f"{LATEST_FILE} was found pointing here"
    return Move(at, "found", LATEST, None, VersionId(text), None, "unknown", why)


def write_pointer(model_folder: Path, move: Move) -> None:
    """Set the pointer that `move` names, then append it to the journal. The caller holds the model's lock."""
    durable_files.make_folder(model_folder / "aliases")
    path = model_folder / "aliases" / f"{move.alias}.json"
    durable_files.replace_file(path, encode(path.name, move.document()))
    if move.alias == LATEST:
        durable_files.replace_file(model_folder / LATEST_FILE, f"{move.to_version}\n".encode())
    append_move(model_folder, move)


def append_move(model_folder: Path, move: Move) -> None:
    """Append `move` to the journal as one line and wait until it is on disk. The caller holds the model's lock."""
    line = json.dumps(move.document(), allow_nan=False, ensure_ascii=False)
    durable_files.append_line(model_folder / JOURNAL, line.encode())


def aliases(model_folder: Path) -> tuple[str, ...]:
    """Return the names of the pointers that were set, `latest` among them."""
    names = {path.stem for path in (model_folder / "aliases").glob("[a-z]*.json")} - {LATEST}
    return tuple(sorted(names | ({LATEST} if (model_folder / LATEST_FILE).exists() else set())))


def read_moves(model_folder: Path) -> tuple[Move, ...]:
    """Return all moves, oldest first, those included that a crash kept out of the journal.

    A torn last line is not a move: its writer never finished.

    Raises
    ------
    DamagedVersion
        when a whole line of the journal cannot be understood.
    """
    path = model_folder / JOURNAL
    content = path.read_bytes() if path.exists() else b""
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    cure = "restore it from a backup (hub backup); models can still be loaded, but not moved"
    try:
        written = [Move.read(decode(JOURNAL, line)) for line in lines]
    except DamagedVersion as error:
        raise DamagedVersion(JOURNAL, error.problem, where=model_folder.name, cure=cure) from error
    return (*written, *sorted(_unwritten(model_folder, written), key=lambda move: move.at))


def settle_journal(model_folder: Path) -> tuple[Move, ...]:
    """Write into the journal what a crash kept out of it; return all moves. The caller holds the model's lock."""
    moves = read_moves(model_folder)
    durable_files.cut_torn_line(model_folder / JOURNAL)
    path = model_folder / JOURNAL
    written = path.read_bytes().count(b"\n") if path.exists() else 0
    for move in moves[written:]:
        append_move(model_folder, move)
    for intent in (model_folder / DELETED).glob("v_*.json"):
        if (model_folder / intent.stem).is_dir():
            intent.unlink()  # announced, never done
    return moves


def _unwritten(model_folder: Path, written: Sequence[Move]) -> Iterator[Move]:
    for alias in aliases(model_folder):
        try:
            move = read_pointer(model_folder, alias)
        except DamagedVersion:
            continue  # whoever follows the pointer is told; moving it again writes it anew
        known = next((each for each in reversed(written) if each.alias == alias), None)
        if move is not None and (known is None or known.to_version != move.to_version):
            yield move
    deleted = {move.from_version for move in written if move.action == "delete"}
    for intent in sorted((model_folder / DELETED).glob("v_*.json")):
        if intent.stem not in deleted and (model_folder / DELETED / intent.stem).is_dir():
            yield Move.read(decode(f"{DELETED}/{intent.name}", intent.read_bytes()))


def rejection(moves: Iterable[Move], version: str) -> Move | None:
    """Return the move that rejected `version`, or None."""
    return next((move for move in moves if move.action == "reject" and move.to_version == version), None)


def is_candidate(moves: Iterable[Move], version: str) -> bool:
    """Return whether `version` was published without a pointer and nothing was said of it since."""
    named = [move for move in moves if move.to_version == version]
    return bool(named) and all(move.action == "publish" and move.alias is None for move in named)


def refuse_unjudged(model: str, version: str, alias: str, moves: Sequence[Move]) -> None:
    """Raise `RegistryError` unless a pointer called `alias` may be set at `version`."""
    rejected = rejection(moves, version)
    if rejected is not None:
        raise RegistryError(
            f"{model} {version} was rejected on {rejected.at:%Y-%m-%d} and is not pointed at ({rejected.why}); "
            "'hub train' makes a version that you answer for yourself."
        )
    if is_candidate(moves, version) and not alias.startswith(CHALLENGER):
        raise RegistryError(f"{model} {version} is a candidate that is not judged yet; 'hub retrain' judges it.")


def trail(moves: Iterable[Move], alias: str) -> tuple[Move, ...]:
    """Return the moves that a rollback of `alias` goes back over; the last is where it points now.

    Each rollback takes the last one off, so going back twice goes back two versions, never forth again. Deleted
    versions are left out.
    """
    stack: list[Move] = []
    for move in moves:
        if move.action == "delete":
            stack = [each for each in stack if each.to_version != move.from_version]
            stack = [each for i, each in enumerate(stack) if i == 0 or each.to_version != stack[i - 1].to_version]
        elif move.alias == alias:
            if move.action == "rollback":
                stack = stack[:-1]
            if not stack or stack[-1].to_version != move.to_version:
                stack.append(move)
    return tuple(stack)


def state(moves: Sequence[Move], alias: str) -> Pointer | None:
    """Return where `alias` points after `moves`; `previous` is where a rollback of the champion would go."""
    steps = trail(moves, CHAMPION)[:-1] if alias == PREVIOUS else trail(moves, alias)
    if not steps or steps[-1].to_version is None:
        return None
    version = steps[-1].to_version
    return Pointer(alias, version, hash_of(moves, version))


def hash_of(moves: Iterable[Move], version: str) -> str | None:
    """Return the manifest hash that the journal knows for `version`."""
    hashes = (move.version_hash for move in moves if version == (move.to_version or move.from_version))
    return next((each for each in hashes if each is not None), None)
