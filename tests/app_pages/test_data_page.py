"""The Data page as AppTest runs it: on a small, an unbuilt, an empty and a broken store, at the clock and before it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.data_queries import stored_data
from ml_data.store import Store
from tests.app_pages.small_home import MGC, make_home
from tests.app_pages.test_model_health_page import captions, page

OpenPage = Callable[..., AppTest]
LAST_DAY = {"day": "2025-06-04"}


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    def open_(home: Path, module: str = "data", **url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        at = AppTest.from_function(page, args=(module,), default_timeout=30)
        for name, value in url.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return open_


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("data"))


def put(home: Path, *statements: str) -> None:
    store = Store(home / "ml_data")
    with store.market_write() as cursor:
        for statement in statements:
            cursor.execute(statement)
    store.close()


def test_the_tiles_say_what_is_stored(home: Path, open_page: OpenPage):
    tiles = {tile.label: (tile.value, tile.delta) for tile in open_page(home, **LAST_DAY).metric}
    assert tiles["Newest bar"] == ("Thu 5 Jun 06:59", "replay")
    assert tiles["Bars stored"] == ("4,133", "1 contract")
    assert tiles["Session minutes with a bar"] == ("99.8 %", "✓ no session is empty")
    assert tiles["History"] == ("3 days", "✓ up to date")
    assert set(tiles) == {"Newest bar", "Bars stored", "Session minutes with a bar", "History", "On disk"}


def test_ranges_over_a_hole_are_listed_with_their_reason(home: Path, open_page: OpenPage):
    at = open_page(home, **LAST_DAY)
    ranges = at.dataframe[0].value
    assert ranges[["Range", "Bars", "State", "Why"]].values.tolist() == [
        ["18:00", "0 of 5", "✕ void", "no bar at all: an outage, or a file is missing"],
        ["10:00", "3 of 5", "! over a hole", "2 minutes without a bar, which usually trade"],
    ]
    said = captions(at)
    assert "Of 18 opening ranges 1 is void (1 no bars) and 1 is thin: minutes without a bar, most often 10:00" in said
    assert "1 is over a hole" in said


def test_the_verdict_stands_above_everything_it_rests_on(home: Path, open_page: OpenPage):
    text = [one.value for one in open_page(home, **LAST_DAY).markdown]
    place = text.index("**Can these bars be trusted?** :orange-badge[! stored with warnings]")
    assert [line.rstrip() for line in text[place + 1].splitlines()] == [
        "✓ **Holes**: no minutes are missing that usually have a bar.",
        "! **Ranges**: 2 opening ranges lie over minutes that are missing and usually trade (1 of them without any "
        "bar, so void); the last: 2025-06-04 1800, 0 of 5 minutes.",
        "✓ **Prices**: no bar reaches far beyond its neighbours, and no level jumps as by a split.",
        "✓ **Volume**: it is 0 in 0 of 4,073 bars.",
    ]


def test_coverage_is_drawn_and_said(home: Path, open_page: OpenPage):
    at = open_page(home, **LAST_DAY)
    assert len(at.get("vega_lite_chart")) == 2  # by month and by day
    assert "minutes in sessions have a bar, fewest in London with 99.4 %. No session is without any bar." in captions(
        at
    )


def test_without_imports_rolls_rejects_or_revisions_there_are_sentences_and_no_empty_tables(
    home: Path, open_page: OpenPage
):
    at = open_page(home, **LAST_DAY)
    assert len(at.dataframe) == 1
    said = captions(at)
    for sentence in ("No roll yet.", "No file was imported.", "The contract never changed"):
        assert sentence in said
    titles = [one.value for one in at.markdown]
    assert not any("not stored" in title or "later file" in title for title in titles)


def test_imports_rejects_and_revisions_are_listed(tmp_path: Path, open_page: OpenPage):
    home = make_home(tmp_path)
    put(
        home,
        "INSERT INTO market.bar_imports BY NAME SELECT 'i1' AS import_id, 'MGC' AS instrument, 10 AS rows_read, "
        "'june.csv' AS file_name, 8 AS rows_stored, 1 AS rows_rejected, 0 AS rows_unchanged, 1 AS rows_revised, "
        "0 AS bars_dropped, "
        "TIMESTAMPTZ '2025-06-05 10:00:00+00' AS imported_at, TIMESTAMPTZ '2025-06-01 22:00:00+00' AS first_ts, "
        "TIMESTAMPTZ '2025-06-01 22:10:00+00' AS last_ts, 'stored with warnings' AS verdict, "
        "['1 rejected: high below low', 'volume counts ticks'] AS reasons",
        "INSERT INTO market.bar_rejects VALUES ('i1', 7, 'high below low', '22:06,1,0,2,1,5')",
        "INSERT INTO market.bar_revisions SELECT 'MGC', 'MGCQ5', TIMESTAMPTZ '2025-06-01 22:03:00+00', 'i1', 1, 1, 1, "
        "3300.0, 1, 1, 1, 1, 3300.4, 1",
    )
    at = open_page(home, **LAST_DAY)
    imports, rejects, revisions = (table.value for table in at.dataframe[1:])
    assert imports[["File", "Read", "New", "Rejected", "Revised"]].values.tolist() == [["june.csv", 10, 8, 1, 1]]
    assert imports[["Verdict", "Reasons"]].values.tolist() == [
        ["stored with warnings", "1 rejected: high below low; volume counts ticks"]
    ]
    assert rejects.values.tolist() == [["june.csv", 7, "high below low", "22:06,1,0,2,1,5"]]
    assert revisions[["Close before", "Close now", "File"]].values.tolist() == [[3300.0, 3300.4, "june.csv"]]
    said = captions(at)
    assert "1 import read 10 rows and stored 8 bars; rejected: 1 row; changed by a later file: 1 bar." in said
    assert "Rejected: 1 row, most often because: high below low (1)." in said
    assert "Changed since first imported: 1 bar on 1 day (UTC)." in said


def test_nothing_later_than_the_clock_is_used(home: Path, open_page: OpenPage):
    at = open_page(home, day="2025-06-03", clock="10:04")
    tiles = {tile.label: tile.value for tile in at.metric}
    assert tiles["Newest bar"] == "Tue 3 Jun 10:02"  # the 10:03 bar is missing; that of 10:04 is not over
    assert tiles["History"] == "2 days"
    assert "No opening range has a hole." in captions(at)  # the 10:00 range is over at 10:05 only


@pytest.mark.parametrize(
    ("until", "bars"),
    [(datetime(2025, 6, 1, 22, 0, tzinfo=UTC), 0), (datetime(2025, 6, 1, 22, 1, tzinfo=UTC), 1)],
)
def test_a_bar_is_counted_when_it_has_closed(home: Path, until: datetime, bars: int):
    store = Store(home / "ml_data")
    assert stored_data(store, MGC, until).bars == bars
    store.close()


def test_a_clock_before_the_first_bar_is_told(home: Path, open_page: OpenPage):
    at = open_page(home, day="2025-05-01")
    assert "No bar of MGC had happened by then: choose a later day." in captions(at)


def test_old_bars_name_the_command_that_brings_newer_ones(home: Path, open_page: OpenPage):
    at = open_page(home)  # the real clock
    assert "`hub ingest FILES --instrument MGC`" in at.warning[0].value
    assert at.metric[0].delta == "! behind"


def test_an_unbuilt_history_names_the_command_that_builds_it(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, built=False))
    assert "`hub build --instrument MGC`" in at.warning[0].value
    assert "No session is complete yet." in captions(at)
    assert "No opening range is built yet." in captions(at)


def test_bars_newer_than_the_history_name_the_command_that_builds_it(tmp_path: Path, open_page: OpenPage):
    home = make_home(tmp_path)
    put(
        home, "INSERT INTO market.history_dirty VALUES ('MGC', '2025-06-04 00:00:00+00', '2025-06-04 01:00:00+00', 'x')"
    )
    at = open_page(home)
    assert at.warning[0].value.startswith("A span of bars came in after it was built: `hub build")
    assert at.metric[3].delta == "! to be built"


def test_without_bars_the_page_names_the_command_that_fills_it(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, bars=False, built=False))
    assert "hub ingest FILES" in at.info[0].value


def test_a_store_that_breaks_is_one_sentence_and_no_trace(tmp_path: Path, open_page: OpenPage):
    home = make_home(tmp_path)
    open_page(home, "model_health")  # the instrument is known from now on, as to a reader who had the hub open
    (home / "ml_data" / "market.duckdb").write_bytes(b"no database")
    at = open_page(home)
    assert "expected a DuckDB file, found something else" in at.error[0].value
    assert not at.metric
