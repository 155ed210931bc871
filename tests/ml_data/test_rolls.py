"""The contract of a day: decided by what was known before the day began, and never taken back."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_data.rolls import ContractDays, DayVolumes, choose_contracts, expiry_month

CONTRACTS = ("MGCG4", "MGCJ4", "MGCM4")
MONDAY = date(2024, 1, 22)


@dataclass(frozen=True)
class Chosen:
    contracts: list[str | None]
    reasons: list[str]
    rolled: list[bool]
    shares: list[float | None]


def choose(
    *volumes: tuple[float, ...] | None,
    contracts: tuple[str, ...] = CONTRACTS,
    days: list[str] | None = None,
    share: float = 0.20,
) -> Chosen:
    """The contract of each day; `volumes` by contract, None for a day without any bar."""
    every = np.array(days or [np.datetime64(MONDAY) + n for n in range(len(volumes))], dtype="datetime64[D]")
    chosen = choose_contracts(every, traded(*volumes, contracts=contracts), months(every, contracts), share)
    return shown(chosen, contracts)


def shown(chosen: ContractDays, contracts: tuple[str, ...] = CONTRACTS) -> Chosen:
    names = [*contracts, None]
    shares = [None if np.isnan(value) else round(float(value), 4) for value in chosen.volume_share]
    return Chosen([names[index] for index in chosen.contract], list(chosen.reason), chosen.rolled.tolist(), shares)


def traded(*volumes: tuple[float, ...] | None, contracts: tuple[str, ...] = CONTRACTS) -> DayVolumes:
    rows = [(0.0,) * len(contracts) if row is None else row for row in volumes]
    volume = np.array(rows, dtype=np.float64).reshape(len(rows), len(contracts))
    return DayVolumes(volume, (volume > 0).astype(np.int64))


def months(days: np.ndarray, contracts: tuple[str, ...]) -> np.ndarray:
    seen = days.astype("datetime64[M]").astype(int) + 1970 * 12
    return np.array([[expiry_month(name, int(month)) for name in contracts] for month in seen]).reshape(
        len(days), len(contracts)
    )


def test_a_day_moves_on_when_the_later_contract_had_a_fifth_of_both_on_the_day_before():
    found = choose((80, 20, 0), (90, 10, 0), (70, 30, 0))
    assert found.contracts == ["MGCG4", "MGCJ4", "MGCJ4"]
    assert found.reasons == ["first", "roll", "stay"]
    assert found.rolled == [False, True, False]
    assert found.shares == [None, 0.2, None]


def test_a_share_just_below_a_fifth_moves_nothing():
    found = choose((801, 199, 0), (0, 1000, 0), (0, 1000, 0))
    assert found.contracts == ["MGCG4", "MGCG4", "MGCJ4"]
    assert found.shares == [None, 0.199, 1.0]


def test_the_volume_of_the_day_itself_decides_nothing():
    assert choose((100, 1, 0), (1, 100, 0)).contracts == ["MGCG4", "MGCG4"]


def test_the_share_is_of_the_candidate_and_the_current_one_not_of_all():
    # 15 of 100 in J, but 15 of 65 of G and J together: more than a fifth.
    found = choose((50, 15, 35), (1, 1, 1))
    assert found.contracts == ["MGCG4", "MGCM4"]
    assert found.shares == [None, round(35 / 85, 4)]
    assert choose((70, 16, 15), (1, 1, 1)).contracts == ["MGCG4", "MGCG4"]


def test_the_candidate_is_the_most_traded_later_one_even_if_one_between_would_do():
    assert choose((60, 30, 31), (1, 1, 1)).contracts == ["MGCG4", "MGCM4"]


def test_of_equally_traded_later_ones_the_first_by_name_is_taken():
    assert choose((50, 25, 25), (1, 1, 1)).contracts == ["MGCG4", "MGCJ4"]


def test_a_day_never_goes_back_however_much_the_earlier_contract_trades():
    found = choose((70, 30, 0), (1000, 1, 0), (1000, 1, 0), (1000, 1, 0))
    assert found.contracts == ["MGCG4", "MGCJ4", "MGCJ4", "MGCJ4"]
    assert found.rolled == [False, True, False, False]


def test_a_holiday_decides_nothing_and_the_day_after_goes_by_the_last_day_that_traded():
    found = choose((70, 30, 0), None, (90, 10, 0), (50, 50, 0))
    assert found.contracts == ["MGCG4", "MGCG4", "MGCJ4", "MGCJ4"]
    assert found.reasons == ["first", "no_bars", "roll", "stay"]
    assert found.rolled == [False, False, True, False]


def test_a_day_after_a_holiday_moves_one_step_only():
    # By the first day J has a third of G and J, and M a third of J and M: the same volumes are not used twice.
    found = choose((60, 30, 15), None, None, (0, 30, 1))
    assert found.contracts == ["MGCG4", "MGCG4", "MGCG4", "MGCJ4"]


def test_volumes_of_more_than_eleven_days_ago_decide_nothing():
    near = choose((70, 30, 0), (1, 0, 0), days=["2024-01-22", "2024-02-02"])
    assert near.contracts == ["MGCG4", "MGCJ4"]
    far = choose((70, 30, 0), (1, 0, 0), days=["2024-01-22", "2024-02-03"])
    assert far.contracts == ["MGCG4", "MGCG4"]
    assert far.shares == [None, None]


def test_before_anything_traded_there_is_no_contract():
    found = choose(None, None, (0, 10, 0), (0, 10, 0))
    assert found.contracts == [None, None, "MGCJ4", "MGCJ4"]
    assert found.reasons == ["no_bars", "no_bars", "only", "stay"]


def test_the_first_day_takes_what_trades_most_on_it_and_says_that_it_knew_that_afterwards():
    assert choose((10, 11, 0)).reasons == ["first"]
    assert choose((10, 11, 0)).contracts == ["MGCJ4"]
    assert choose((0, 11, 0)).reasons == ["only"]


def test_a_first_day_without_any_volume_takes_the_first_contract_that_has_bars():
    volumes = DayVolumes(np.zeros((2, 3)), np.array([[0, 3, 4], [0, 3, 4]]))
    days = np.array(["2024-01-22", "2024-01-23"], dtype="datetime64[D]")
    found = shown(choose_contracts(days, volumes, months(days, CONTRACTS), 0.2))
    assert found.contracts == ["MGCJ4", "MGCJ4"]
    assert found.shares == [None, None]


def test_a_market_without_contracts_has_one_series_whatever_its_volume():
    found = choose((0,), (5,), (0,), contracts=("XAUUSD",))
    assert found.contracts == [None, "XAUUSD", "XAUUSD"]
    volumes = DayVolumes(np.zeros((2, 1)), np.ones((2, 1), dtype=np.int64))
    days = np.array(["2024-01-22", "2024-01-23"], dtype="datetime64[D]")
    assert choose_contracts(days, volumes, np.zeros((2, 1), dtype=np.int64), 1.0).contract.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("symbol", "seen", "expiry"),
    [
        ("MGCZ0", (2020, 12), (2020, 12)),
        ("MGCG1", (2020, 12), (2021, 2)),
        ("MGCG1", (2021, 2), (2021, 2)),
        ("MGCG1", (2021, 3), (2021, 2)),  # a contract that has just expired is not one of the next decade
        ("MGCG1", (2030, 11), (2031, 2)),  # its code is used again
        ("MGCZ9", (2030, 1), (2029, 12)),
        ("MGCG4", (2019, 3), (2024, 2)),
        ("MGCG4", (2019, 2), (2014, 2)),  # as near on both sides: the past
        ("ESH24", (2024, 1), (2024, 3)),
        ("ESH24", (1999, 1), (2024, 3)),
    ],
)
def test_a_year_code_means_the_year_nearest_to_when_it_is_seen(
    symbol: str, seen: tuple[int, int], expiry: tuple[int, int]
):
    year, month = divmod(expiry_month(symbol, seen[0] * 12 + seen[1] - 1), 12)
    assert (year, month + 1) == expiry


def test_a_symbol_that_is_no_contract_never_expires():
    assert expiry_month("XAUUSD", 2024 * 12) == 0
    assert expiry_month("BTCUSDT", 2024 * 12) == 0


def test_a_roll_over_the_turn_of_the_decade_goes_forward():
    found = choose((70, 30), (1, 9), contracts=("MGCZ9", "MGCG0"), days=["2029-11-27", "2029-11-28"])
    assert found.contracts == ["MGCZ9", "MGCG0"]
    back = choose(
        (30, 70), (9, 1), (9, 1), contracts=("MGCZ9", "MGCG0"), days=["2029-11-27", "2029-11-28", "2029-11-29"]
    )
    assert back.contracts == ["MGCG0", "MGCG0", "MGCG0"]


def test_months_without_data_leave_no_day_in_a_contract_that_has_expired():
    found = choose(
        (100, 1), (100, 1), (0, 100), (0, 100), days=["2024-01-11", "2024-01-12", "2024-03-04", "2024-03-05"],
        contracts=("MGCG4", "MGCJ4"),
    )  # fmt: skip
    assert found.contracts == ["MGCG4", "MGCG4", "MGCG4", "MGCJ4"]


def test_an_expired_contract_is_not_taken_for_one_of_the_next_decade():
    # F trades for the last time on the last day of its month, as monthly contracts do.
    found = choose(
        (70, 30), (0, 10), (0, 10), contracts=("BTCF4", "BTCG4"), days=["2024-01-31", "2024-02-01", "2024-02-02"]
    )
    assert found.contracts == ["BTCF4", "BTCG4", "BTCG4"]


@given(st.lists(st.none() | st.tuples(*[st.integers(0, 50)] * 3), min_size=1, max_size=12), st.integers(0, 11))
def test_a_choice_continued_from_any_day_equals_the_choice_made_at_once(
    volumes: list[tuple[int, ...] | None], cut: int
):
    days = np.array([np.datetime64("2024-01-29") + n + 8 * (n > 5) for n in range(len(volumes))])
    cut = min(cut, len(days))
    table, expiries = traded(*volumes), months(days, CONTRACTS)
    whole = choose_contracts(days, table, expiries, 0.2)
    had_bars = [index for index in range(cut) if table.traded[index]]
    rest = choose_contracts(
        days[cut:],
        DayVolumes(table.volume[cut:], table.bars[cut:]),
        expiries[cut:],
        0.2,
        start=int(whole.contract[cut - 1]) if cut else -1,
        previous=(days[had_bars[-1]], table.volume[had_bars[-1]]) if had_bars else None,
    )
    assert rest.contract.tolist() == whole.contract[cut:].tolist()
    assert rest.reason == whole.reason[cut:]
    assert rest.rolled.tolist() == whole.rolled[cut:].tolist()
    assert np.array_equal(rest.volume_share, whole.volume_share[cut:], equal_nan=True)


@given(st.lists(st.none() | st.tuples(*[st.integers(0, 50)] * 3), min_size=1, max_size=20))
def test_expiries_of_the_chosen_contracts_never_fall(volumes: list[tuple[int, ...] | None]):
    names = [name for name in choose(*volumes).contracts if name is not None]
    assert all(CONTRACTS.index(later) >= CONTRACTS.index(earlier) for earlier, later in pairwise(names))
