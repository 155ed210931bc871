"""What a path brings to an import: one source a file of bars, and for the rest a report that says why not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from ml_data.bar_file import open_bar_file
from ml_data.bar_zip import zip_members
from ml_data.import_plan import Source
from ml_data.import_report import ImportReport
from ml_data.importers.base import Mark
from ml_data.importers.wall_clock import check_clock
from ml_data.recognition import importer_of, note_in
from ml_data.stamp_marks import marked
from trading.domain.instrument import Instrument
from trading.errors import BadBars

Share = tuple[float, float]
_NOTES_SHOWN: Final = 3


@dataclass(frozen=True)
class Question:
    """What the caller of an import says about all of its files; None for what is to be recognised."""

    instrument: Instrument
    format: str | None
    time_zone: str | None
    dry_run: bool
    stamps: Mark | None = None


def named_files(paths: Iterable[Path]) -> list[Path]:
    """Return `paths`, with the files that match in place of each pattern (`bars/*.csv`): not every shell resolves it.

    A path that exists is taken as it is, whatever is in its name; so is a pattern that nothing matches.
    """
    named: list[Path] = []
    for path in paths:
        found = [] if path.exists() or not has_magic(str(path)) else sorted(glob(str(path), recursive=True))
        named += [Path(name) for name in found] or [path]
    return named


def sources(path: Path, asked: Question) -> Iterator[tuple[Share, Source | ImportReport]]:
    """Yield what the file at `path` holds, each with its share of it: from and to, 0 to 1.

    It is one source, or one for each file in a zip. A file that no importer takes gives its refusal; notes beside the
    bars of a zip are left out by name, after the bars.
    """
    try:
        members = zip_members(path)
    except BadBars as error:
        yield (0.0, 1.0), refused(path.name, error, dry_run=asked.dry_run)
        return
    notes: list[ImportReport] = []
    files = members or (None,)
    for place, member in enumerate(files):
        taken = _taken(path, member, asked)
        if isinstance(taken, ImportReport) and taken.left_out is not None:
            notes.append(taken)
        else:
            yield (place / len(files), (place + 1) / len(files)), taken
    if members is not None and len(notes) == len(members):
        found = "; ".join(f"{note.file_name} ({note.left_out})" for note in notes[:_NOTES_SHOWN])
        sentence = f"{path.name}: expected bars in the zip, found only {found}; choose the zip that holds bars."
        yield (1.0, 1.0), refused(path.name, BadBars(sentence), dry_run=asked.dry_run)
        return
    for note in notes:
        yield (1.0, 1.0), note


def refused(name: str, error: BadBars, *, dry_run: bool) -> ImportReport:
    """Return the report of a file that was refused with `error`."""
    return ImportReport(name, "refused", dry_run=dry_run, refusal=str(error))


def _taken(path: Path, member: str | None, asked: Question) -> Source | ImportReport:
    """Return the source of bars, or the report of a file that is refused or a note."""
    name = path.name if member is None else f"{path.name}/{member}"
    try:
        if asked.time_zone is not None:
            check_clock(asked.time_zone)
        file = open_bar_file(path, member)
        if member is not None and (words := note_in(file.head)) is not None:
            return ImportReport(name, "left out", dry_run=asked.dry_run, left_out=words)
        importer = importer_of(file, asked.format)
    except BadBars as error:
        return refused(name, error, dry_run=asked.dry_run)
    return Source(
        name=file.name,
        sha256=file.sha256,
        read=lambda time_zone: marked(importer.open(file, asked.instrument, time_zone), asked.stamps),
        raw_rows=lambda rows: importer.raw_rows(file, rows),
        time_zone=asked.time_zone,
        stamps=asked.stamps,
    )
