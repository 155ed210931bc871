"""JSON whose lists are columns: Finnhub's, Yahoo's charts, pandas; what does not fit together is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.importers.base import UnknownClock
from ml_data.importers.json_columns import IMPORTER
from ml_data.recognition import importer_of
from tests.ml_data.bar_files import nq, take, write
from trading.errors import BadBars

AT = 1_705_415_400  # 2024-01-16 14:30 UTC
OPEN, HIGH, LOW, CLOSE, VOLUME = (
    [15895.0, 15893.0],
    [15903.75, 15893.5],
    [15888.0, 15877.75],
    [15893.25, 15883.75],
    [5, 7],
)
ROWS = [
    ("2024-01-16 14:30:00", 15895.0, 15903.75, 15888.0, 15893.25, 5.0, 1),
    ("2024-01-16 14:31:00", 15893.0, 15893.5, 15877.75, 15883.75, 7.0, 2),
]
SHORT = {"c": CLOSE, "h": HIGH, "l": LOW, "o": OPEN, "s": "ok", "t": [AT, AT + 60], "v": VOLUME}
QUOTE = {"open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE, "volume": VOLUME}
META = {"symbol": "NQ=F", "validRanges": ["1d", "5d"], "exchangeTimezoneName": "America/New_York"}
CHART = {
    "chart": {"result": [{"meta": META, "timestamp": [AT, AT + 60], "indicators": {"quote": [QUOTE]}}], "error": None}
}
SPLIT = {
    "columns": ["Open", "High", "Low", "Close", "Volume"],
    "index": ["2024-01-16T14:30:00Z", "2024-01-16T14:31:00Z"],
    "data": [list(row) for row in zip(OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True)],
}


@pytest.mark.parametrize("content", [SHORT, QUOTE | {"timestamp": [AT, AT + 60]}, CHART, SPLIT])
@pytest.mark.parametrize("indent", [None, 1])
def test_columns_are_read_wherever_they_lie(tmp_path: Path, content: dict[str, Any], indent: int | None):
    path = write(tmp_path / "a.json", json.dumps(content, indent=indent))
    assert importer_of(open_bar_file(path)) is IMPORTER
    assert [row[1:] for row in take(IMPORTER, path, nq()).rows] == ROWS


def test_a_minute_without_prices_is_rejected_by_its_number_and_shown(tmp_path: Path):
    path = write(tmp_path / "a.json", json.dumps(SHORT | {"o": [15895.0, None]}))
    [first, second] = take(IMPORTER, path, nq()).rows
    assert (first[2], second[2] != second[2]) == (15895.0, True)
    assert '"o": null' in IMPORTER.raw_rows(open_bar_file(path), [2])[2]


def test_naive_times_need_a_clock(tmp_path: Path):
    path = write(tmp_path / "a.json", json.dumps(SHORT | {"t": ["2024-01-16 09:30", "2024-01-16 09:31"]}))
    with pytest.raises(UnknownClock, match="found none in '2024-01-16 09:30'"):
        take(IMPORTER, path, nq())
    assert take(IMPORTER, path, nq(), "America/New_York").rows[0][1] == "2024-01-16 14:30:00"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (json.dumps(SHORT | {"h": [1.0]}), "its lists have 1 and 2 values, so they are not of the same bars"),
        (
            json.dumps({"t": [AT], "o": [1.0], "h": [1.0]}),
            "expected lists of times and of open, high, low and close",
        ),
        (json.dumps(SHORT)[:-9], "the file is cut short or damaged: it is no JSON; download it again"),
        (json.dumps({"A": SHORT, "B": SHORT}), "expected the bars of one symbol, found several lists of "),
        (json.dumps({name: [] for name in "tohlc"}), "the file holds no bars, only empty lists"),
        (json.dumps(SPLIT | {"data": [[1, 2]]}), "expected 5 values in each row, as columns has"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(BadBars, match=sentence):
        take(IMPORTER, write(tmp_path / "a.json", text), nq())
