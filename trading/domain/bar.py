"""The one shape of bars between importers, store and history."""

from typing import Final

import pyarrow as pa

BARS: Final = pa.schema(
    [
        ("contract", pa.string()),
        ("ts", pa.timestamp("us", tz="UTC")),
        ("open", pa.float64()),
        ("high", pa.float64()),
        ("low", pa.float64()),
        ("close", pa.float64()),
        ("volume", pa.float64()),
    ]
)
"""One-minute bars: `ts` is the bar's start in UTC, prices are in the instrument's currency and lie on its tick grid,
`volume` is what the source counts (contracts, shares, lots). `contract` is the symbol where there are no contracts."""

MINUTE_US: Final = 60_000_000
"""Microseconds of one bar; a bar is known at `ts` + one minute."""
