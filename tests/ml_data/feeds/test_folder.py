"""Files that another program writes: whole lines only, each once, whatever happens to the file meanwhile."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_data.feeds import text_tail
from ml_data.feeds.folder import FolderFeed
from ml_data.feeds.watched_file import Layout
from tests.hub_home import ROOT
from tests.ml_data.feeds.feed_bars import MINUTE, at, bar, bars, closes, kinds, minutes
from trading.domain.instrument import read_instrument
from trading.errors import BadBars, HubError

BTC = read_instrument(ROOT / "config" / "instruments" / "BTCUSDT.toml")
NOW = at("23:00")
HEADER = "timestamp,open,high,low,close,volume\n"


def line(start: str, close: float = 100.0) -> str:
    return f"2024-03-05T{start}:00Z,{close},{close + 1},{close - 1},{close},5\n"


def news(feed: FolderFeed, since: datetime | None = None) -> list[tuple[str, float]]:
    return closes(feed.newest(since, NOW).bars)


class Written:
    """A file that a test appends to; each change has another time of change, as on a disk where time passes."""

    def __init__(self, path: Path, content: str = "") -> None:
        self.path, self.clock = path, 1_700_000_000
        self.path.write_text(content)
        self.touch()

    def add(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text)
        self.touch()

    def replace(self, content: str) -> None:
        aside = self.path.with_suffix(".tmp")
        aside.write_text(content)
        os.replace(aside, self.path)
        self.touch()

    def touch(self) -> None:
        self.clock += 1
        os.utime(self.path, (self.clock, self.clock))


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "bars.csv", HEADER + line("14:00"))


@pytest.fixture
def feed(written: Written) -> FolderFeed:
    return FolderFeed(written.path.parent, BTC, Layout())


def test_only_new_lines_are_delivered(feed: FolderFeed, written: Written):
    assert news(feed) == [("14:00", 100.0)]
    assert news(feed) == []
    written.add(line("14:01", 101.0) + line("14:02", 102.0))
    assert news(feed) == [("14:01", 101.0), ("14:02", 102.0)]


def test_a_torn_last_line_waits_for_its_end(feed: FolderFeed, written: Written):
    news(feed)
    whole = line("14:01", 4012.75)
    for cut in (1, 20, len(whole) - 2, len(whole) - 1):
        torn = whole[:cut]
        written.replace(HEADER + line("14:00") + torn)
        assert news(feed) == []
    written.replace(HEADER + line("14:00") + whole)
    assert news(feed) == [("14:01", 4012.75)]


def test_a_last_line_that_is_written_anew_until_its_minute_is_over_is_read_anew(feed: FolderFeed, written: Written):
    news(feed)
    for close in (101.0, 101.5, 1012.25):
        written.replace(HEADER + line("14:00") + line("14:01", close))
        assert news(feed) == [("14:01", close)]
    written.replace(HEADER + line("14:00") + line("14:01", 101.0) + line("14:02", 102.0))
    assert news(feed) == [("14:01", 101.0), ("14:02", 102.0)]


def test_a_file_that_takes_the_name_of_another_is_read_anew_and_said_so(feed: FolderFeed, written: Written):
    written.add("".join(line(f"14:{minute:02d}") for minute in range(1, 20)))
    assert len(news(feed)) == 20
    written.replace(HEADER + "".join(line(f"15:{minute:02d}") for minute in range(30)))
    delivery = feed.newest(at("14:19"), NOW)
    assert (len(delivery.bars), kinds(delivery.notices)) == (30, ["replaced"])
    written.replace(HEADER + line("16:00"))  # shorter than what was read
    delivery = feed.newest(at("15:29"), NOW)
    assert (minutes(delivery.bars), kinds(delivery.notices)) == (["16:00"], ["replaced"])


def test_a_new_file_a_day_is_followed(feed: FolderFeed, written: Written):
    news(feed)
    tomorrow = Written(written.path.parent / "bars-2.csv", HEADER)
    delivery = feed.newest(None, NOW)
    assert (len(delivery.bars), kinds(delivery.notices)) == (0, ["unreadable"])
    tomorrow.add(line("15:00"))
    delivery = feed.newest(None, NOW)
    assert (minutes(delivery.bars), kinds(delivery.notices)) == (["15:00"], ["readable"])


def test_a_file_that_is_gone_for_a_while_goes_on_where_it_was(feed: FolderFeed, written: Written):
    news(feed)
    away = written.path.rename(written.path.with_suffix(".away.tmp"))
    assert kinds(feed.newest(None, NOW).notices) == ["missing"]
    assert kinds(feed.newest(None, NOW).notices) == []
    away.rename(written.path)
    written.add(line("14:01"))
    delivery = feed.newest(None, NOW)
    assert (minutes(delivery.bars), kinds(delivery.notices)) == (["14:01"], ["readable"])


def test_a_file_that_is_locked_is_told_once_and_tried_again(
    feed: FolderFeed, written: Written, monkeypatch: pytest.MonkeyPatch
):
    news(feed)
    written.add(line("14:01"))
    real = Path.open

    def locked(path: Path, *arguments, **named):
        if path == written.path:
            raise PermissionError(13, "The process cannot access the file", str(path))
        return real(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", locked)
        assert kinds(feed.newest(None, NOW).notices) == ["locked"]
        assert kinds(feed.newest(None, NOW).notices) == []
    assert news(feed) == [("14:01", 100.0)]


def test_the_whole_folder_may_be_away(feed: FolderFeed, written: Written, tmp_path: Path):
    news(feed)
    aside = tmp_path.rename(tmp_path.with_name("unmounted"))
    assert kinds(feed.newest(None, NOW).notices) == ["missing"]
    aside.rename(tmp_path)
    written.add(line("14:01"))
    assert news(feed) == [("14:01", 100.0)]


def test_naive_stamps_need_their_clock_named_once(tmp_path: Path):
    Written(tmp_path / "bars.csv", "Date,Time,Open,High,Low,Close,Volume\n2024-03-05,09:00:00,1,2,0.5,1,5\n")
    with pytest.raises(BadBars, match=r"name no clock; name it once, in hub.toml under \[feed\]: time_zone"):
        FolderFeed(tmp_path, BTC, Layout()).newest(None, NOW)
    named = FolderFeed(tmp_path, BTC, Layout(time_zone="America/New_York", stamps="end"))
    assert minutes(named.newest(None, NOW).bars) == ["13:59"]


def test_what_is_no_file_of_bars_is_told_once_by_name_and_stops_nothing(feed: FolderFeed, written: Written):
    (written.path.parent / "notes.txt").write_text("remember the milk\n")
    (written.path.parent / ".hidden.csv").write_text("x")
    delivery = feed.newest(None, NOW)
    assert (minutes(delivery.bars), kinds(delivery.notices)) == (["14:00"], ["unreadable"])
    assert "notes.txt" in delivery.notices[0].sentence
    assert feed.newest(None, NOW).notices == ()


def test_a_pattern_says_which_files_are_meant(written: Written):
    (written.path.parent / "notes.txt").write_text("remember the milk\n")
    assert FolderFeed(written.path.parent, BTC, Layout(pattern="*.csv")).newest(None, NOW).notices == ()


def test_a_line_that_is_no_bar_is_rejected_and_the_next_is_read(feed: FolderFeed, written: Written):
    news(feed)
    written.add("2024-03-05T14:01:00Z,abc,1,1,1,1\n" + line("14:02"))
    delivery = feed.newest(None, NOW)
    assert minutes(delivery.bars) == ["14:02"]
    assert delivery.notices[0].sentence == "bars.csv: open is not a number."


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path):
    with pytest.raises(HubError, match="is not there; name the folder"):
        FolderFeed(tmp_path / "nowhere", BTC, Layout())


def big(first: datetime, rows: int) -> str:
    return "".join(
        f"{first + place * MINUTE:%Y-%m-%dT%H:%M:%SZ},100,101,99,{100 + place % 2},5\n" for place in range(rows)
    )


def test_of_a_big_file_only_the_end_is_read_and_all_of_it_when_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows, first = 60_000, at("00:00") - timedelta(days=30)
    Written(tmp_path / "bars.csv", HEADER + big(first, rows))
    size, lines = (tmp_path / "bars.csv").stat().st_size, []
    real = text_tail.LineReader.chunks
    monkeypatch.setattr(
        text_tail.LineReader, "chunks", lambda self, block, row: lines.append(len(block)) or real(self, block, row)
    )
    since = first + (rows - 3) * MINUTE
    delivery = FolderFeed(tmp_path, BTC, Layout()).newest(since, NOW)
    assert [each.replace(tzinfo=None) for each in delivery.bars.column("ts").to_pylist()] == [
        (first + place * MINUTE).replace(tzinfo=None) for place in range(rows - 3, rows)
    ]
    assert sum(lines) < 260_000 < size
    monkeypatch.setattr(text_tail, "STEP_BYTES", 1_000_000)
    feed, found = FolderFeed(tmp_path, BTC, Layout()), 0
    while (delivery := feed.newest(None, NOW)).more:
        found += len(delivery.bars)
    assert found + len(delivery.bars) == rows


# Parquet


def write_parquet(path: Path, rows: list[str], group: int = 1_000) -> None:
    pq.write_table(
        bars(*(bar(each) for each in rows)).rename_columns(["symbol", *bars().column_names[1:]]), path, group
    )


def test_a_parquet_file_that_is_written_anew_brings_its_new_bars_alone(tmp_path: Path):
    path = tmp_path / "bars.parquet"
    write_parquet(path, ["14:00", "14:01"])
    feed = FolderFeed(tmp_path, BTC, Layout())
    assert minutes(feed.newest(None, NOW).bars) == ["14:00", "14:01"]
    assert news(feed) == []
    write_parquet(path, ["14:00", "14:01", "14:02"])
    assert minutes(feed.newest(at("14:01"), NOW).bars) == ["14:02"]


def test_half_a_parquet_file_is_told_once_and_read_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "bars.parquet"
    write_parquet(path, ["14:00"])
    feed = FolderFeed(tmp_path, BTC, Layout())
    news(feed)
    write_parquet(path, ["14:00", "14:01", "14:02"])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    delivery = feed.newest(at("14:00"), NOW)
    assert (len(delivery.bars), kinds(delivery.notices)) == (0, ["unreadable"])
    path.write_bytes(whole)
    assert minutes(feed.newest(at("14:00"), NOW).bars) == ["14:01", "14:02"]


def test_of_a_parquet_file_only_the_row_groups_with_new_bars_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bars.parquet"
    write_parquet(path, [f"{hour}:{minute:02d}" for hour in (10, 11, 12) for minute in range(60)], group=30)
    read = []
    real = pq.ParquetFile.read_row_group

    def watched(self, group, columns):
        if len(columns) > 1:
            read.append(group)
        return real(self, group, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    delivery = FolderFeed(tmp_path, BTC, Layout()).newest(at("12:40"), NOW)
    assert (minutes(delivery.bars)[0], read) == ("12:40", [5])
    feed, rows = FolderFeed(tmp_path, BTC, Layout()), 0
    while (delivery := feed.newest(None, NOW)).more:
        rows += len(delivery.bars)
    assert rows + len(delivery.bars) == 180
    assert isinstance(delivery.bars, pa.Table)
