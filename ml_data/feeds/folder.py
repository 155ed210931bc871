"""A folder, or one file, that another program writes bars into: text that grows, or Parquet that is written anew."""

from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pyarrow as pa

from ml_data.feeds.base import DELIVERY_ROWS, Delivery, Notice
from ml_data.feeds.parquet_tail import ParquetTail
from ml_data.feeds.text_tail import TextTail
from ml_data.feeds.watched_file import Layout, Signature, WatchedFile, bar_file, head_of, signature
from ml_data.importers.arrow_content import kind_of
from ml_data.importers.base import UnknownClock
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.wall_clock import check_clock
from ml_data.recognition import importer_of
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument
from trading.errors import BadBars, HubError

_PASSING: Final = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")  # names of files that are not ready yet


class FolderFeed:
    """The bars of all files of a folder whose names fit the layout's pattern.

    A file is opened only when its size or its time of change is another than at the last look. What nobody can read
    (yet) is told once by name and looked at again when it changes. A file says nothing of minutes without trades, so
    the feed vouches for no more than its newest bar.
    """

    poll_seconds = 1.0
    settles_after = 0.0

    def __init__(self, path: Path, instrument: Instrument, layout: Layout) -> None:
        if not path.exists():
            raise HubError(f"--feed folder: {path} is not there; name the folder, or the file, that bars come into.")
        if layout.time_zone is not None:
            check_clock(layout.time_zone)
        self.name = f"folder:{path}"
        self._path, self._instrument, self._layout = path, instrument, layout
        self._watches: dict[Path, WatchedFile] = {}
        self._seen: dict[Path, Signature] = {}
        self._told: dict[Path, str] = {}

    def newest(self, since: datetime | None, now: datetime) -> Delivery:  # noqa: ARG002 - files know no clock
        """Return the bars that came into the files since the last call."""
        since_us = -1 if since is None else int(since.timestamp()) * 1_000_000
        tables, notices, rows, more = [BARS.empty_table()], list[Notice](), 0, False
        for path in self._files(notices):
            if rows >= DELIVERY_ROWS:
                more = True
                break
            bars, goes_on = self._news(path, since_us, notices)
            tables.append(bars)
            rows, more = rows + len(bars), more or goes_on
        return Delivery(pa.concat_tables(tables), more=more, notices=tuple(notices))

    def close(self) -> None:
        """Files are not held open."""

    def _files(self, notices: list[Notice]) -> list[Path]:
        try:
            inside = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
            if not self._path.exists():
                raise FileNotFoundError
        except OSError:
            self._amiss(self._path, "missing", f"{self._path} is not there at the moment.", notices)
            return []
        self._fine(self._path, notices)
        gone = [path for path in self._watches if path not in inside]
        for path in gone:
            self._amiss(path, "missing", f"{path.name} is gone; it is looked for again.", notices)
        return [path for path in inside if self._fits(path)]

    def _fits(self, path: Path) -> bool:
        if path == self._path:
            return True
        hidden = path.name.startswith(".") or path.name.lower().endswith(_PASSING)
        return not hidden and fnmatch(path.name, self._layout.pattern) and path.is_file()

    def _news(self, path: Path, since_us: int, notices: list[Notice]) -> tuple[pa.Table, bool]:
        nothing = BARS.empty_table()
        try:
            now = signature(path)
            if now == self._seen.get(path) or now.size == 0:
                return nothing, False
            if path not in self._watches:
                self._watches[path] = self._watch(path)
            news = self._watches[path].news(now, since_us)
        except UnknownClock as unknown:
            raise BadBars(
                f"{path.name}: its stamps, such as {unknown.sample!r}, name no clock; name it once, in hub.toml under "
                f'[feed]: time_zone = "America/New_York".'
            ) from unknown
        except BadBars as error:
            self._seen[path] = now
            self._amiss(path, "unreadable", str(error), notices)
            return nothing, False
        except FileNotFoundError:
            self._amiss(path, "missing", f"{path.name} is not there at the moment.", notices)
            return nothing, False
        except OSError as error:
            words = f"{path.name} cannot be read at the moment ({error.strerror}); tried again."
            self._amiss(path, "locked", words, notices)
            return nothing, False
        self._fine(path, notices)
        if news.amiss:
            notices.append(Notice("replaced", news.amiss))
        notices += [Notice("rejected", f"{reason}.") for reason in news.rejected[:5]]
        if not news.more:
            self._seen[path] = now
        return news.bars, news.more

    def _watch(self, path: Path) -> WatchedFile:
        head = head_of(path)
        if kind_of(head) == "Parquet":
            return ParquetTail(path, self._instrument, self._layout)
        importer = importer_of(bar_file(path, head), self._layout.format)
        if isinstance(importer, CsvImporter):
            return TextTail(path, importer, self._instrument, self._layout)
        raise BadBars(
            f"{path.name}: {importer.title} is not read while it grows, only text and Parquet are; import it with: hub "
            f"ingest {path.name}"
        )

    def _amiss(self, path: Path, kind: str, sentence: str, notices: list[Notice]) -> None:
        if self._told.get(path) != sentence:
            self._told[path] = sentence
            notices.append(Notice(kind, sentence))

    def _fine(self, path: Path, notices: list[Notice]) -> None:
        if path in self._told:
            del self._told[path]
            notices.append(Notice("readable", f"{path.name} can be read again."))
