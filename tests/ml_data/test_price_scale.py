"""Prices multiplied to whole numbers: refused by their factor where the stored level says it, else told."""

from pathlib import Path

import numpy as np
import pytest

from ml_data.ingest import ingest
from ml_data.price_scale import scale_against, scale_of_steps
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, csv, minutes, nq
from trading.domain.instrument import Instrument


@pytest.mark.parametrize(
    ("price", "known", "factor"),
    [
        (15_895.0, 15_875.25, 0),
        (158_950.0, 15_875.25, 0),  # ten to one is a split
        (1_589_500.0, 15_875.25, 100),
        (1_589_500.0, 24_000.0, 100),
        (15_895_000.0, 15_875.25, 1_000),
        (158_950_000.0, 15_875.25, 10_000),
        (1.0405e5, 1.0405, 100_000),
        (15_895e9, 15_875.25, 1_000_000_000),
        (158.95, 15_875.25, -100),
        (1.0405, 10_405.0, -10_000),
        (0.0, 15_875.25, 0),
        (15_895.0, 0.0, 0),
        (float("nan"), 1.0, 0),
    ],
)
def test_the_factor_is_a_power_of_ten_that_the_level_says(price: float, known: float, factor: int):
    assert scale_against(price, known) == factor


def test_steps_of_a_hundred_ticks_in_many_prices_are_no_chance():
    quarters = np.arange(15_800.0, 15_900.0, 0.25)
    assert scale_of_steps(quarters, 0.25) == 0
    assert scale_of_steps(quarters * 100, 0.25) == 100
    assert scale_of_steps(quarters * 10_000, 0.25) == 10_000
    assert scale_of_steps((quarters * 100)[:20], 0.25) == 0


def scaled(first: str, count: int, factor: float) -> list[str]:
    rows = (row.split(",") for row in minutes(first, count, price=15_895.0))
    return [",".join([row[0], *(f"{float(cell) * factor:.10g}" for cell in row[1:5]), row[5]]) for row in rows]


def nasdaq() -> Instrument:
    return nq().model_copy(update={"tick": 0.0025})


def test_a_scaled_file_is_refused_by_its_factor_before_and_after_what_is_stored(tmp_path: Path):
    store = Store(tmp_path / "home")
    ingest(store, nasdaq(), [csv(tmp_path / "a.csv", *scaled("2024-03-04 00:00", 99, 1))], now=NOW)
    sentences = {}
    for name, first, factor in (
        ("later", "2024-03-20 00:00", 100),
        ("earlier", "2024-02-20 00:00", 10_000),
        ("same", "2024-03-04 00:00", 100),
        ("small", "2024-03-05 00:00", 0.01),
    ):
        [report] = ingest(store, nasdaq(), [csv(tmp_path / name, *scaled(first, 99, factor))], now=NOW)
        sentences[name] = report.refusal
    [far] = ingest(store, nasdaq(), [csv(tmp_path / "far", *scaled("2025-03-05 00:00", 99, 100))], now=NOW)
    store.close()
    assert sentences == {
        "later": "later: its prices are about 100 times those that are stored (1590775 against 15920), so they are "
        "scaled or of another instrument; export prices divided by 100.",
        "earlier": "earlier: its prices are about 10,000 times those that are stored (159077500 against 15895.5), so "
        "they are scaled or of another instrument; export prices divided by 10,000.",
        "same": "same: its prices are about 100 times those that are stored (1590775 against 15895.5), so they are "
        "scaled or of another instrument; export prices divided by 100.",
        "small": "small: its prices are about 1/100 of those that are stored (159.0775 against 15920), so they are "
        "scaled or of another instrument; export prices multiplied by 100.",
    }
    assert far.refusal == (
        "far: every price is a multiple of 10,000 ticks, such as 1590775, so they are scaled, by 10,000 at the most; "
        "export prices as they are."
    )


def test_a_first_file_whose_prices_lie_a_hundred_ticks_apart_says_so_and_more_is_refused(tmp_path: Path):
    store = Store(tmp_path / "home")
    [report] = ingest(store, nq(), [csv(tmp_path / "a.csv", *scaled("2024-03-04 00:00", 99, 100))], now=NOW)
    store.close()
    store = Store(tmp_path / "another")
    [more] = ingest(store, nq(), [csv(tmp_path / "b.csv", *scaled("2024-03-04 00:00", 99, 1e9))], now=NOW)
    store.close()
    assert report.warnings == ("every price is a multiple of 100 ticks; compare the level, it may be scaled",)
    assert more.refusal == (
        "b.csv: every price is a multiple of 1,000,000,000 ticks, such as 1.590775e+13, so they are scaled, by "
        "1,000,000,000 at the most; export prices as they are."
    )
