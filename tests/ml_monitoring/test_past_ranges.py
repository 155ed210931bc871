"""Past events read a stretch at a time: bit for bit those of the whole history, with what came of each."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml_data.build import read_bars
from ml_data.history import History, build_history
from ml_data.store import Store
from ml_monitoring.past_ranges import PastRanges, past_ranges, stored_ranges
from tests.hub_home import DEMO, FIRST_DAY, LAST_DAY, STORES
from trading.domain.label import BREAK_DIRECTION, NET_R, TARGET_FIRST, Label
from trading.domain.trade_rule import REFERENCE_RULE, TradeRule

MIDDLE = date(2023, 4, 11)


@pytest.fixture(scope="module")
def store(demo_home: Path):
    opened = Store(demo_home / STORES)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def history(store: Store) -> History:
    return build_history(read_bars(store, DEMO), DEMO)


@pytest.mark.parametrize(
    ("label", "rule"), [(BREAK_DIRECTION, None), (TARGET_FIRST, REFERENCE_RULE), (NET_R, REFERENCE_RULE)]
)
def test_two_stretches_are_bit_for_bit_the_whole_history(
    store: Store, history: History, label: Label, rule: TradeRule | None
):
    whole = past_ranges(history, FIRST_DAY, label, rule)
    first = stored_ranges(store, DEMO, label, rule, FIRST_DAY, date(2023, 4, 10))
    second = stored_ranges(store, DEMO, label, rule, MIDDLE, LAST_DAY)
    together = first.followed_by(second)
    assert min(len(first), len(second)) > 100
    for name in PastRanges.__dataclass_fields__:
        one, other = getattr(whole, name), getattr(together, name)
        if name == "names":
            assert one == other
        elif one.dtype.kind == "f":
            assert one.tobytes() == other.tobytes(), name
        else:
            assert one.tolist() == other.tolist(), name


def test_an_event_is_there_with_what_came_of_it_and_when_that_was_known(history: History):
    found = past_ranges(history, MIDDLE, BREAK_DIRECTION, None)
    assert set(found.actual) <= {"UP", "DOWN", "NONE"}
    assert (found.known > found.decided).all()
    assert found.days.min() == np.datetime64(MIDDLE)
    assert np.isnan(found.value).all()
    numbers = past_ranges(history, MIDDLE, NET_R, REFERENCE_RULE)
    assert set(numbers.actual) == {None}
    assert (numbers.value == numbers.r_net).all()
