"""The log as a file: what is downloaded reads back equal to the journal, and no spreadsheet runs a word of it."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_data.actions import note_action
from ml_data.journal import append_outcomes, append_predictions
from ml_data.journal_log import LogFilter, log_rows
from ml_data.log_files import csv_bytes, log_export, parquet_bytes
from ml_data.store import Store
from tests.ml_data.test_journal import ANSWERED, DECIDED, LOGGED, ODD, WON
from trading.domain.prediction import Answer, PredictionRow, Reason, Refusal

REASON = '=HYPERLINK("http://x","click"), \'quoted\'\nand a second line'
UNKNOWN = replace(
    ANSWERED,
    prediction_id="p2",
    decided_at=DECIDED + timedelta(minutes=1),
    schema_hash="other",
    features=ODD,
    answer=Answer(
        {"UP": 0.1 + 0.2, "DOWN": 0.7},
        0.7,
        "DOWN",
        0.5,
        (Reason("weekday", 4.0, "", 1 / 3),),
        (-0.8, 5e-324),
    ),
)
REFUSED: PredictionRow = replace(
    ANSWERED,
    prediction_id="p3",
    decided_at=DECIDED + timedelta(minutes=2),
    features=(),
    answer=None,
    refusal=Refusal("stale_bars", REASON),
)
MGC = LogFilter("MGC")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(tmp_path_factory.mktemp("files"))
    append_predictions(made, [ANSWERED, UNKNOWN, REFUSED], LOGGED)
    append_outcomes(made, [WON], LOGGED)
    note_action(made, "p2", "followed", "-1+cmd|' /C calc'!A0", at=datetime(2025, 3, 8, 1, 2, 3, 4, UTC), by="ada")
    yield made
    made.close()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def test_parquet_reads_back_equal_to_the_journal(store: Store):
    read = pq.read_table(BytesIO(parquet_bytes(log_export(store, MGC))))
    logged = log_rows(store, MGC)
    assert read.select(logged.column_names).equals(logged)
    with store.journal() as cursor:
        rows = dict(
            cursor.execute(
                "SELECT prediction_id, features FROM journal.ml_predictions WHERE len(features) > 0"
            ).fetchall()
        )
    for row in read.to_pylist():
        names = [name for name in row if name.startswith("feature.") and row[name] is not None]
        asked = rows.get(row["prediction_id"], [])
        assert all(same(row[name], value) for name, value in zip(names, asked, strict=True))
    assert read["raw_score"].to_pylist()[1] == [-0.8, 5e-324]


def test_inputs_have_their_names_and_a_row_lacks_what_it_was_not_asked_with(store: Store):
    rows = log_export(store, MGC, "oldest")
    assert [name for name in rows.column_names if name.startswith("feature.")] == [
        f"feature.input_{n}" for n in range(1, 10)
    ]
    assert math.isnan(rows["feature.input_2"].to_pylist()[0]), "asked with, and without a value"
    assert rows["feature.input_3"].to_pylist()[0] is None, "not asked with"
    assert rows["reason.input_1"].to_pylist() == [0.2, 1 / 3, None]


def test_csv_reads_back_equal_to_the_journal(store: Store):
    rows = log_export(store, MGC)
    text = csv_bytes(rows).decode("utf-8")
    read = pd.read_csv(StringIO(text), keep_default_na=False, na_values=[], dtype=str)
    assert list(read.columns) == rows.column_names
    for name in rows.column_names:
        for written, value in zip(read[name], rows[name].to_pylist(), strict=True):
            assert same(back(written, rows.schema.field(name).type), plain(value)), (name, written, value)


def back(text: str, kind: pa.DataType) -> Any:
    if text == "":
        return None
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_boolean(kind):
        return text == "true"
    if pa.types.is_timestamp(kind):
        assert text.endswith("Z")
        return datetime.fromisoformat(text)
    if pa.types.is_list(kind):
        return json.loads(text)
    return text.removeprefix("'")


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return json.loads(json.dumps(value, default=lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"))
    return f"{value}" if type(value).__name__ == "date" else value


@pytest.mark.parametrize("column", ["refusal_reason", "did_why"])
def test_no_text_of_the_csv_begins_like_a_formula(store: Store, column: str):
    read = pd.read_csv(BytesIO(csv_bytes(log_export(store, MGC))), keep_default_na=False)
    texts = [text for text in read[column] if text]
    assert texts
    assert all(text.startswith("'") for text in texts)


def test_a_file_holds_exactly_the_filtered_rows_in_their_order(store: Store):
    chosen = replace(MGC, results=("refused", "pending"))
    assert log_export(store, chosen)["prediction_id"].to_pylist() == ["p3", "p2"]
    assert log_export(store, chosen, "oldest")["prediction_id"].to_pylist() == ["p2", "p3"]


def test_a_file_of_no_rows_has_its_columns(store: Store):
    read = pq.read_table(BytesIO(parquet_bytes(log_export(store, LogFilter("NQ")))))
    assert read.num_rows == 0
    assert csv_bytes(log_export(store, LogFilter("NQ"))).count(b"\n") == 1
    assert {"prediction_id", "result", "did", "raw_score"} <= set(read.column_names)
