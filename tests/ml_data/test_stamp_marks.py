"""What a stamp marks: said by the user, by the format, or by bars that lie a minute off the market's hours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ml_data.importers.base import Mark
from ml_data.ingest import ingest
from ml_data.stamp_marks import refuse_other_marks
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, csv, nq, write
from tests.ml_data.clock_bars import open_minutes, shipped
from tests.ml_data.text_files import FILES
from trading.domain.calendar import to_minute
from trading.errors import BadBars

CLOSES = datetime(2024, 1, 16, 22, tzinfo=UTC)  # 17:00 New York, for an hour each day


def week(first: int, last: int, days: int = 7) -> np.ndarray:
    """Around the daily halts of a week (a weekend inside): the minutes from `last` before to `first` after each."""
    minutes = []
    for day in range(days):
        halt = to_minute(CLOSES + timedelta(days=day))
        minutes += [*range(halt - 30, halt + last + 1), *range(halt + 60 + first, halt + 90)]
    return np.array(minutes, dtype=np.int64)


def test_bars_inside_the_markets_hours_are_taken_as_they_are():
    refuse_other_marks("a", week(first=0, last=-1), "start", nq())


@pytest.mark.parametrize(
    ("stamps", "first", "last", "sentence"),
    [
        (
            "start",
            1,
            0,
            "a: at 5 of 5 closures there is a bar just after the close, such as 2024-01-16 17:00 America/New_York, and "
            "none on the other side, so its stamps mark the end of a minute; import it with --stamps end, or with "
            "--stamps start if they do not.",
        ),
        (
            "end",
            -1,
            -2,
            "a: at 5 of 5 closures there is a bar just before the open, such as 2024-01-16 17:59 America/New_York, and "
            "none on the other side, so its stamps mark the start of a minute; import it with --stamps start, or with "
            "--stamps end if they do not.",
        ),
    ],
)
def test_bars_a_minute_off_at_every_halt_mark_the_other_side_of_the_minute(
    stamps: Mark, first: int, last: int, sentence: str
):
    with pytest.raises(BadBars) as refused:
        refuse_other_marks("a", week(first, last), stamps, nq())
    assert str(refused.value) == sentence


def test_a_few_days_or_most_of_them_do_not_tell():
    refuse_other_marks("a", week(first=1, last=0, days=4), "start", nq())
    refuse_other_marks("a", np.concatenate([week(1, 0), week(1, -1, 7 * 3)[600:]]), "start", nq())
    refuse_other_marks("a", np.zeros(0, dtype=np.int64), "start", nq())


def test_an_hour_off_is_no_matter_of_marks():
    refuse_other_marks("a", week(first=60, last=59), "start", nq())
    refuse_other_marks("a", week(first=-60, last=-61), "end", nq())


def cash_days(days: int, first: int, last: int) -> np.ndarray:
    """The cash session of weekdays from Monday the 15th of January on: bars from 09:30 + `first` to 15:59 + `last`."""
    opens = [to_minute(datetime(2024, 1, 15 + day, 14, 30, tzinfo=UTC)) for day in range(days)]
    return np.concatenate([np.arange(at + first, at + 390 + last) for at in opens])


@pytest.mark.parametrize(
    ("days", "told"), [(1, "1 of 1 stretches"), (3, "3 of 3 stretches"), (5, "5 of 5 stretches"), (12, "10 of 10 str")]
)
def test_a_future_in_the_hours_of_stocks_tells_its_marks_by_its_own_pauses(days: int, told: str):
    refuse_other_marks("a", cash_days(days, first=0, last=0), "start", nq())
    with pytest.raises(BadBars, match=rf"a: {told}.* 09:31 America/New_York to 16:00, so its stamps mark the end"):
        refuse_other_marks("a", cash_days(days, first=1, last=1), "start", nq())
    with pytest.raises(BadBars, match=rf"a: {told}.* 09:30 America/New_York to 15:59, so its stamps mark the start"):
        refuse_other_marks("a", cash_days(days, first=-1, last=-1), "end", nq())


@pytest.mark.parametrize(("first", "last"), [(0, 1), (1, 0), (7, -3), (-30, 30)])
def test_an_auction_bar_thin_trading_and_other_hours_say_nothing_of_marks(first: int, last: int):
    refuse_other_marks("a", cash_days(5, first, last), "start", nq())


@pytest.mark.parametrize("symbol", ["EURUSD", "QQQ", "MGC"])
def test_every_kind_of_market_tells_its_marks(symbol: str):
    minutes = open_minutes(shipped(symbol), "2024-01-14", "2024-01-27")
    refuse_other_marks("a", minutes, "start", shipped(symbol))
    with pytest.raises(BadBars, match="its stamps mark the end of a minute"):
        refuse_other_marks("a", minutes + 1, "start", shipped(symbol))


def starts(tmp_path: Path, path: Path, *, stamps: Mark | None) -> list[str]:
    store = Store(tmp_path / "home")
    [report] = ingest(store, nq(), [path], now=NOW, time_zone="UTC", stamps=stamps)
    with store.market() as cursor:
        found = cursor.execute("SELECT ts FROM market.bars_1m ORDER BY ts").fetchall()
    store.close()
    assert report.refusal is None
    assert report.recognised is not None
    assert report.recognised.stamps == (stamps or "end")
    return [f"{ts:%H:%M}" for (ts,) in found]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [(None, ["14:30", "14:31", "14:32"]), ("end", ["14:30", "14:31", "14:32"]), ("start", ["14:31", "14:32", "14:33"])],
)
def test_the_user_goes_before_what_the_format_says(tmp_path: Path, stamps: Mark | None, expected: list[str]):
    assert starts(tmp_path, write(tmp_path / "a.txt", FILES["NinjaTrader"].text), stamps=stamps) == expected


def test_bars_that_the_user_calls_end_stamped_start_a_minute_before(tmp_path: Path):
    rows = (f"2024-01-16T14:3{minute}:00Z,100,101,99,100,7" for minute in (1, 2))
    assert starts(tmp_path, csv(tmp_path / "a.csv", *rows), stamps="end") == ["14:30", "14:31"]


@pytest.mark.real_data
def test_real_minutes_moved_to_their_end_are_told_and_come_back_as_they_were(shared_data: Path, tmp_path: Path):
    lines = (shared_data / "firstrate" / "NQ_1min_sample.csv").read_text().splitlines()
    late = []
    for line in lines[1:]:
        stamp, rest = line.split(",", 1)
        late.append(f"{datetime.fromisoformat(stamp) + timedelta(minutes=1)},{rest}")
    path = csv(tmp_path / "late.csv", *late)
    store = Store(tmp_path / "home")
    [refused] = ingest(store, nq(), [path], now=NOW, time_zone="America/New_York")
    [right] = ingest(
        store, nq(), [shared_data / "firstrate" / "NQ_1min_sample.csv"], now=NOW, time_zone="America/New_York"
    )
    [same] = ingest(store, nq(), [path], now=NOW, time_zone="America/New_York", stamps="end")
    store.close()
    assert "its stamps mark the end of a minute; import it with --stamps end" in str(refused.refusal)
    assert right.rows_stored == same.rows_unchanged == 14_714
