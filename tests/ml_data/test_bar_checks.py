"""The checks of imported bars: what is refused and why, what is put on the grid, what is the same twice."""

import pyarrow as pa
import pytest

from ml_data.bar_checks import bar_seconds, check_rows, on_nearest_tick, unique_rows
from ml_data.importers.base import ROWS
from tests.ml_data.bar_files import at

NAN = float("nan")
GOOD = (100.0, 101.0, 99.0, 100.5, 7.0)


def rows(*bars: tuple[float, ...], stamps: list[str] | None = None, contracts: list[str] | None = None) -> pa.Table:
    """Rows of one contract, minute after minute from 00:00, unless said otherwise."""
    return pa.Table.from_pylist(
        [
            dict(
                zip(
                    ROWS.names,
                    (
                        contracts[n] if contracts else "NQ",
                        at(f"2024-01-02 {stamps[n] if stamps else f'00:{n:02d}'}"),
                        *bar,
                        n + 1,
                    ),
                    strict=True,
                )
            )
            for n, bar in enumerate(bars)
        ],
        ROWS,
    )


def prices(table: pa.Table) -> list[tuple[float, ...]]:
    return [tuple(row[name] for name in ("open", "high", "low", "close")) for row in table.to_pylist()]


def reasons(table: pa.Table) -> list[tuple[int, str]]:
    return [(row["row_number"], row["reason"]) for row in table.to_pylist()]


def test_good_bars_pass_as_they_are():
    table = rows(GOOD, (100.0, 100.0, 100.0, 100.0, 0.0))
    checked, rejects = check_rows(table, 0.25)
    assert checked == table
    assert reasons(rejects) == []


@pytest.mark.parametrize(
    ("bar", "reason"),
    [
        ((NAN, 101.0, 99.0, 100.5, 7.0), "a price is missing or is no finite number"),
        ((100.0, float("inf"), 99.0, 100.5, 7.0), "a price is missing or is no finite number"),
        ((100.0, 101.0, 0.0, 100.5, 7.0), "a price is zero or negative"),
        ((-20.0, -19.0, -21.0, -20.0, 7.0), "a price is zero or negative"),
        ((100.0, 99.0, 101.0, 100.5, 7.0), "high is below low"),
        ((102.0, 101.0, 99.0, 100.5, 7.0), "open lies outside high and low"),
        ((98.75, 101.0, 99.0, 100.5, 7.0), "open lies outside high and low"),
        ((100.0, 101.0, 99.0, 101.25, 7.0), "close lies outside high and low"),
        ((100.0, 101.0, 99.0, 100.4, 7.0), "a price is off the tick grid"),
        ((100.0, 101.0, 99.0, 100.5, NAN), "volume is missing or is no finite number"),
        ((100.0, 101.0, 99.0, 100.5, -1.0), "volume is negative"),
    ],
)
def test_a_bar_that_cannot_be_is_rejected_with_its_reason(bar: tuple[float, ...], reason: str):
    checked, rejects = check_rows(rows(GOOD, bar, GOOD), 0.25)
    assert reasons(rejects) == [(2, reason)]
    assert checked.column("row_number").to_pylist() == [1, 3]


def test_of_several_faults_the_first_is_named():
    _, rejects = check_rows(rows((-1.0, -3.0, -2.0, 0.1, -1.0), (100.0, 99.0, 101.0, 100.4, -1.0)), 0.25)
    assert reasons(rejects) == [(1, "a price is zero or negative"), (2, "high is below low")]


def test_a_stamp_with_seconds_is_rejected():
    _, rejects = check_rows(rows(GOOD, GOOD, stamps=["00:00", "00:01:59"]), 0.25)
    assert reasons(rejects) == [(2, "the stamp is not on a full minute")]


def test_a_price_within_a_hundredth_of_a_tick_is_put_on_the_grid_and_the_next_is_not():
    checked, rejects = check_rows(
        rows((100.0024, 100.9976, 99.0, 100.5, 7.0), (100.003, 101.0, 99.0, 100.5, 7.0)), 0.25
    )
    assert prices(checked) == [(100.0, 101.0, 99.0, 100.5)]
    assert reasons(rejects) == [(2, "a price is off the tick grid")]


def test_prices_between_two_ticks_go_to_the_nearer_one_and_are_counted_by_row():
    moved, count = on_nearest_tick(
        rows(
            (399.05, 399.7972, 399.004, 399.67, 7.0),
            (399.05, 399.79, 399.0, 399.67, 7.0),
            (399.0051, NAN, 0.0, -1.006, 7.0),
        ),
        0.01,
    )
    assert count == 2
    assert prices(moved)[:2] == [(399.05, 399.80, 399.0, 399.67), (399.05, 399.79, 399.0, 399.67)]
    assert prices(moved)[2][0] == 399.01
    checked, rejects = check_rows(moved, 0.01)
    assert len(checked) == 2
    assert reasons(rejects) == [(3, "a price is missing or is no finite number")]


@pytest.mark.parametrize(
    ("tick", "price"),
    [(0.1, 1892.7), (0.1, 2070.3), (0.01, 4.35), (0.00001, 1.10007), (0.03125, 110.96875), (5.0, 35.0)],
)
def test_a_price_on_the_grid_is_the_double_that_its_decimals_mean(tick: float, price: float):
    noisy = price * (1 + 1e-12)
    checked, _ = check_rows(rows((noisy, noisy, noisy, noisy, 1.0)), tick)
    assert prices(checked) == [(price, price, price, price)]


def test_rows_are_sorted_by_contract_then_minute():
    table = rows(GOOD, GOOD, GOOD, stamps=["00:02", "00:01", "00:01"], contracts=["B", "B", "A"])
    unique = unique_rows(table)
    assert unique.rows.column("row_number").to_pylist() == [3, 2, 1]
    assert (unique.repeated, len(unique.rejects)) == (0, 0)


def test_a_row_that_says_the_same_again_is_counted_and_one_that_disagrees_is_rejected():
    other = (100.0, 101.0, 99.0, 100.25, 7.0)
    table = rows(GOOD, GOOD, other, GOOD, GOOD, stamps=["00:00", "00:00", "00:00", "00:00", "00:01"])
    unique = unique_rows(table)
    assert unique.rows.column("row_number").to_pylist() == [1, 5]
    assert unique.repeated == 2
    assert reasons(unique.rejects) == [(3, "an earlier row of the file has the same minute and other values")]


def test_two_contracts_may_have_the_same_minute():
    assert len(unique_rows(rows(GOOD, GOOD, stamps=["00:00", "00:00"], contracts=["A", "B"])).rows) == 2


@pytest.mark.parametrize(
    ("stamps", "seconds"),
    [
        (["00:00", "00:05", "00:10", "00:15"], 300),
        (["00:00", "00:05", "00:10", "00:25", "00:30"], 300),
        (["00:00", "01:00", "02:00", "03:00"], 3600),
        (["00:00:00", "00:00:30", "00:01:00", "00:01:30"], 30),
        (["00:00", "00:01", "00:02", "00:02:07", "00:03"], 60),
        (["00:00", "00:01", "00:05", "00:10", "00:15"], 60),
        (["00:00", "00:07", "00:20", "00:42"], 60),
        (["00:00", "00:04", "00:10", "00:22"], 60),
        (["00:00", "00:05", "00:10"], 60),
        (["00:05", "00:00", "00:10", "00:15", "00:10"], 300),
        (["00:00", "00:02", "00:04", "00:06", "00:08"], 60),
        (["00:00", "00:02", "00:04", "00:06", "00:08", "00:10", "00:12", "00:14"], 120),
        (["00:00"], 60),
    ],
)
def test_the_length_of_a_bar_is_measured_and_thin_trading_is_not_taken_for_long_bars(stamps: list[str], seconds: int):
    assert bar_seconds(rows(*[GOOD] * len(stamps), stamps=stamps)) == seconds


def test_days_are_told_from_minutes_though_clocks_make_two_of_them_longer_and_shorter():
    stamps = [f"2024-03-{day:02d} {4 if day > 10 else 5:02d}:00" for day in range(4, 16) if day not in (9, 10)]
    table = rows(*[GOOD] * len(stamps))
    days = pa.array([at(stamp) for stamp in stamps], pa.timestamp("us", tz="UTC"))
    assert bar_seconds(table.set_column(table.schema.get_field_index("ts"), "ts", days)) == 86_400


def test_the_length_is_measured_within_each_contract():
    stamps = ["00:00", "00:05", "00:10", "00:01", "00:06", "00:11"]
    assert bar_seconds(rows(*[GOOD] * 6, stamps=stamps, contracts=list("AAABBB"))) == 300


def test_no_rows_are_no_problem():
    empty = ROWS.empty_table()
    checked, rejects = check_rows(empty, 0.25)
    assert (len(checked), len(rejects), len(unique_rows(checked).rows)) == (0, 0, 0)
