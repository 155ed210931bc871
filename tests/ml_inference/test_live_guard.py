"""The live loop lets the circuit breaker look before it asks, after a refusal, and once a minute."""

from datetime import datetime, timedelta

from ml_data.feeds.base import Delivery
from tests.hub_home import Home
from tests.ml_inference.test_live import Pushed, at, bars, loop_of, short_home

__all__ = ["short_home"]


def test_the_breaker_looks_before_a_forecast_and_what_it_does_counts_for_that_forecast(short_home: Home):
    looks: list[tuple[datetime, int]] = []

    def guard(now: datetime) -> None:
        looks.append((now, len(short_home.journal("prediction_id"))))
        with short_home.store.journal_write() as cursor:
            cursor.execute(
                "INSERT INTO journal.ml_stage_history BY NAME SELECT 'directional-DEMO' AS model, ? AS version, "
                "'advisory' AS stage, 'champion' AS role, ?::TIMESTAMPTZ AS since, 'x' AS by_whom, 'x' AS why",
                [str(short_home.engine().version().version), at("2023-05-07T23:04")],
            )

    feed = Pushed(deliveries=[Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05"))])
    short_home.clock.at = at("2023-05-07T23:05:05")
    loop = loop_of(short_home, feed, "2023-05-07T22:59", [], guard=guard)
    assert loop.step().answered == 1
    assert looks == [(short_home.clock.at, 0)]
    assert short_home.journal("stage") == [("advisory",)]
    loop.step()
    assert len(looks) == 1  # the same minute
    short_home.clock.at += timedelta(minutes=1)
    loop.step()
    assert len(looks) == 2


def test_a_refusal_makes_the_breaker_look_again_at_once(short_home: Home):
    looks: list[int] = []
    feed = Pushed(deliveries=[Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05"))])
    short_home.clock.at = at("2023-05-07T23:06")  # too late: missed
    loop = loop_of(
        short_home,
        feed,
        "2023-05-07T22:59",
        [],
        guard=lambda _: looks.append(len(short_home.journal("prediction_id"))),
    )
    assert loop.step().missed == 1
    assert looks == [0, 1]
