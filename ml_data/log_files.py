"""The log as a file to keep: the rows that filters let through with every column, inputs and reasons by name."""

import json
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from ml_data.journal import features_asked
from ml_data.journal_log import LogFilter, Sort, log_rows
from ml_data.store import Store, sql

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""A spreadsheet takes a text that begins with one of these for a formula; in the CSV a `'` is put before it."""


def log_export(store: Store, chosen: LogFilter, sort: Sort = "newest") -> pa.Table:
    """Return the rows of `log_rows` with `raw_score`, and their inputs and reasons as columns of their own.

    They are called `feature.NAME` and `reason.NAME`; of definitions other than today's, NAME is `input_1`, ...; what a
    row was not asked with is missing there. What a row was asked with but had no value is NaN.
    """
    rows = log_rows(store, chosen, sort=sort)
    with store.journal() as cursor:
        cursor.register("wanted", rows.select(["prediction_id"]))
        lists = cursor.sql(sql("logged_lists")).to_arrow_table()
        cursor.unregister("wanted")
    lists = lists.take(pc.index_in(rows["prediction_id"], lists["prediction_id"].combine_chunks()))
    rows = rows.append_column("raw_score", lists["raw_score"])
    for kind, column in (("feature", "features"), ("reason", "reasons")):
        for name, values in _by_name(rows["schema_hash"], lists[column]):
            rows = rows.append_column(f"{kind}.{name}", values)
    return rows


def csv_bytes(rows: pa.Table) -> bytes:
    """Return a table as CSV in UTF-8: instants as ISO 8601 with Z, lists as JSON, texts that no spreadsheet runs.

    Numbers have all their digits. What is missing is empty, an empty text is `""`, a number without a value is `nan`.
    """
    written = BytesIO()
    plain = pa.table({name: _as_text(rows[name]) for name in rows.column_names})
    pyarrow.csv.write_csv(plain, written)
    return written.getvalue()


def parquet_bytes(rows: pa.Table) -> bytes:
    """Return a table as Parquet."""
    written = BytesIO()
    pyarrow.parquet.write_table(rows, written, compression="zstd")
    return written.getvalue()


def _by_name(schemas: pa.ChunkedArray, lists: pa.ChunkedArray) -> Iterator[tuple[str, pa.Array]]:
    """Yield every input's name and its value in each row (n,), missing where a row was not asked with it."""
    values, asked = lists.combine_chunks(), np.array(schemas.to_pylist(), dtype=object)
    lengths = pc.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False)
    columns: dict[str, tuple[Floats, Bools]] = {}
    for schema, width in sorted({(str(s), int(w)) for s, w in zip(asked, lengths, strict=True) if w}):
        rows = np.nonzero((asked == schema) & (lengths == width))[0]
        matrix = pc.list_flatten(values.take(pa.array(rows))).to_numpy(zero_copy_only=False).reshape(-1, width)
        names = [feature.name for feature in features_asked(schema, width)] or [f"input_{n + 1}" for n in range(width)]
        for place, name in enumerate(names):
            held, known = columns.setdefault(name, (np.full(len(asked), np.nan), np.zeros(len(asked), dtype=bool)))
            held[rows], known[rows] = matrix[:, place], True
    for name, (held, known) in columns.items():
        yield name, pa.array(held, mask=~known)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_list(kind):
        texts = [None if value is None else json.dumps(value, default=_iso) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if pa.types.is_string(kind):
        risky = pc.is_in(pc.utf8_slice_codeunits(column, 0, 1), pa.array(FORMULA_SIGNS))
        return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
    return column


def _iso(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}"
