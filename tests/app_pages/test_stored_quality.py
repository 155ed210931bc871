"""What Data, the doctor and Today say of a store with a hole: six days of literal minutes of micro gold."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from app_pages.queries import today_at
from ml_data.build import build
from ml_data.ingest import ingest_bars
from ml_data.quality_words import quality_lines, verdict
from ml_data.store import Store
from ml_data.stored_quality import shares_before, stored_quality
from ml_scripts.doctor import command
from tests.ml_data.bar_files import NOW, at, mgc
from trading.domain.bar import BARS
from trading.domain.trade_rule import REFERENCE_RULE

FIRST = datetime(2024, 1, 7, 23, 0, tzinfo=UTC)  # Sunday 18:00 New York, Monday 09:00 Brisbane
MINUTE = timedelta(minutes=1)
HOLES = (
    ("2024-01-15 00:01", "2024-01-15 00:03"),  # two minutes of the 10:00 range on Monday the 15th
    ("2024-01-11 14:30", "2024-01-11 15:30"),  # an hour from the cash open of shares on
)


def bars() -> pa.Table:
    """Every open minute of 8 to 15 January but the holes; one bar on the 10th reaches 3 % too high."""
    stamps = [FIRST + n * MINUTE for n in range(8 * 1440)]
    stamps = [ts for ts in stamps if ts.hour != 22 and not at("2024-01-12 22:00") <= ts < at("2024-01-14 23:00")]
    stamps = [ts for ts in stamps if not any(at(since) <= ts < at(until) for since, until in HOLES)]
    high = [2060.0 if ts == at("2024-01-10 12:00") else 2000.5 for ts in stamps]
    same = {"open": [2000.0], "low": [1999.5], "close": [2000.2], "volume": [10.0]}
    columns = {name: values * len(stamps) for name, values in same.items()}
    return (
        pa.table({"contract": ["MGCG4"] * len(stamps), "ts": stamps, "high": high, **columns})
        .select(BARS.names)
        .cast(BARS)
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("quality")
    store = Store(home / "ml_data")
    report = ingest_bars(store, mgc(), [bars()], source_name="bars", now=NOW)
    assert report.warnings == (
        "1 bar reaching far beyond the bars around, stored as they are: MGCG4 2024-01-10 12:00Z 2060 where 2000.2 was "
        "usual",
    )
    build(store, mgc())
    store.close()
    return home


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = Store(home / "ml_data")
    yield store
    store.close()


def test_what_is_stored_is_judged_with_its_reasons(store: Store):
    quality = stored_quality(store, mgc())
    assert [(hole.starts_at, hole.minutes) for hole in quality.certain_holes] == [(at("2024-01-11 14:30"), 60)]
    assert quality.doubts[["kind", "high", "usual"]].values.tolist() == [["spike", 2060.0, 2000.2]]
    over = quality.ranges[quality.over_hole]
    assert over[["trading_day", "orb", "bars"]].values.tolist() == [
        [date(2024, 1, 15), "1000", 3],
        [date(2024, 1, 11), "0030", 0],
    ]
    lines = quality_lines(quality, mgc())
    assert verdict(lines) == "stored with warnings"
    assert [line.what for line in lines if line.state == "look"] == ["holes", "ranges", "prices"]


def test_a_replay_judges_what_had_happened_by_its_clock(store: Store):
    before = stored_quality(store, mgc(), at("2024-01-10 11:00"))
    assert (before.holes, len(before.doubts), len(before.ranges)) == ((), 0, 0)


def test_today_warns_of_the_range_over_the_hole(store: Store):
    assert shares_before(store, mgc(), date(2024, 1, 15)).at(date(2024, 1, 15), at("2024-01-15 00:00")) == 1.0
    view = today_at(store, mgc(), at("2024-01-15 00:20"), 3, REFERENCE_RULE)
    told = {each.name: (each.bars, each.lacks, each.over_hole) for each in view.ranges[:2]}
    assert told == {"0900": (5, 0, False), "1000": (3, 2, True)}


def test_the_doctor_says_the_verdict_and_why(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_HOME", str(home))
    cli = typer.Typer()
    cli.command()(command)
    result = CliRunner().invoke(cli, ["--json"])
    found = {each["what"]: (each["state"], each["sentence"]) for each in json.loads(result.stdout)["findings"]}
    assert found["MGC bars"][0] == "look"
    assert found["MGC bars"][1].startswith("stored with warnings")
    assert found["MGC holes"][1].startswith(
        "1 hole, together 60 open minutes, of which 100 % usually have a bar; the longest"
    )
    assert "2024-01-10 07:00 New York: 2060 where 2000.2 was usual" in found["MGC prices"][1]
