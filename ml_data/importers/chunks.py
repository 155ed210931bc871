"""From columns that were read to the chunk that an importer yields: one way for every format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.importers.base import OTHERS_SHOWN, REJECTS, ROWS, Chunk
from ml_data.importers.stamps import FAULTS
from ml_data.importers.symbols import ContractOf

NUMBERS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Columns:
    """Some rows of a file in columns of one length n, as they were read.

    `instants` are microseconds since 1970 UTC and `faults` indices into `stamps.FAULTS`; `numbers` has the columns of
    NUMBERS; `symbols` are texts, None where the file names none; `row_number` counts from 1 over the whole file.
    `rejects` are further rows, which are in no column, with the reason.
    """

    instants: npt.NDArray[np.int64]
    faults: npt.NDArray[np.uint8]
    numbers: Mapping[str, Any]
    symbols: Any
    row_number: npt.NDArray[np.int64]
    rejects: Sequence[tuple[int, str]] = ()


def chunk_of(columns: Columns, symbol: str, contract_of: ContractOf, share: float) -> Chunk:
    """Return the chunk of `columns`: rows of symbols without a contract are dropped, rows with bad stamps rejected.

    `symbol` is the contract of rows without a symbol.
    """
    rows = len(columns.row_number)
    if columns.symbols is None:
        mine, others = np.ones(rows, dtype=bool), ()
        contract = pa.repeat(pa.scalar(symbol, pa.string()), rows)
    else:
        texts = pc.utf8_trim_whitespace(columns.symbols.cast(pa.string())).fill_null("")
        encoded = pa.chunked_array(texts).combine_chunks().dictionary_encode()
        names = encoded.dictionary.to_pylist()
        contracts = [contract_of(name) for name in names]
        ours = np.array([name is not None for name in contracts], dtype=bool)
        others = tuple(sorted(name for name, our in zip(names, ours, strict=True) if not our))
        mine = ours[encoded.indices.to_numpy(zero_copy_only=False)] if rows else np.zeros(0, dtype=bool)
        contract = pa.DictionaryArray.from_arrays(encoded.indices, pa.array(contracts, pa.string())).cast(pa.string())
    good = mine & (columns.faults == 0)
    bars = pa.table(
        [
            contract,
            pa.array(columns.instants).cast(ROWS.field("ts").type),
            *(columns.numbers[name].cast(pa.float64()).fill_null(float("nan")) for name in NUMBERS),
            pa.array(columns.row_number),
        ],
        schema=ROWS,
    )
    bad = mine & (columns.faults != 0)
    rejects = [*columns.rejects]
    rejects += [
        (int(row), FAULTS[fault]) for row, fault in zip(columns.row_number[bad], columns.faults[bad], strict=True)
    ]
    return Chunk(
        bars=bars if good.all() else bars.filter(pa.array(good)),
        rejects=pa.table(
            {
                "row_number": pa.array([row for row, _ in rejects], pa.int64()),
                "reason": pa.array([reason for _, reason in rejects], pa.string()),
            },
            schema=REJECTS,
        ),
        rows_read=rows + len(columns.rejects),
        bars_dropped=int((~mine).sum()),
        share=share,
        others=others[:OTHERS_SHOWN],
    )
