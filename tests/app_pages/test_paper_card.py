"""The paper orders on Model health: what they came to with its n and interval, and a row each."""

from datetime import UTC, date, datetime, timedelta

from app_pages.clock import WallClock
from app_pages.paper_card import paper_rows, paper_sentence
from tests.app_pages.small_home import MGC

AT = datetime(2025, 3, 3, 13, 5, tzinfo=UTC)
ROW = {"placed_at": AT, "orb": "2300", "side": "DOWN", "lots": 2, "entry": None, "exit_price": None, "money": None}


def test_an_order_that_waits_has_a_row_and_its_reason():
    [shown] = paper_rows(
        [{**ROW, "state": "open", "r_net": None, "reason": "It says DOWN."}], WallClock(0, "UTC", "UTC"), MGC
    )
    assert (shown["Side"], shown["State"], shown["Net R"]) == ("▼ Short", "… Open", None)
    assert (shown["Placed"], shown["Range"], shown["Reason"]) == ("Mon 3 Mar 13:05", "23:00", "It says DOWN.")


def test_what_the_orders_came_to_has_its_n_and_interval():
    filled = [
        {"state": "filled", "trading_day": date(2025, 3, 3) + timedelta(days=day), "r_net": r, "money": 10 * r}
        for day, r in enumerate((0.9, -1.1, 0.9, -1.1, 0.9, -1.1))
    ]
    assert paper_sentence(filled[:1], "USD").endswith("+0.90R net, +9 USD; too few days for an interval.")
    said = paper_sentence([*filled, {"state": "not_filled"}], "USD")
    assert said.startswith("7 orders: 6 filled, 0 open. −0.60R net, −6 USD; −0.10R a trade (")
    assert said.endswith("n 6 on 6 days).")
