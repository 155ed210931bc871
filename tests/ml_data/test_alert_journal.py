"""Alerts and deliveries in the journal: each alert once, each message begun by one process alone."""

from datetime import UTC, datetime
from pathlib import Path

from ml_data.alert_journal import (
    TEST,
    Delivery,
    alerts_since,
    append_deliveries,
    claim,
    deliveries_since,
    raise_alerts,
    was_ever_raised,
)
from ml_data.store import Store
from trading.domain.alert import Alert

AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
ALERT = Alert("a" * 32, "break", "MGC", "10:00", "UP.", "note", AT, AT, None)


def step(state: str = "sending", attempt: int = 1, alert: str = ALERT.alert_id) -> Delivery:
    return Delivery(alert, "phone", attempt, state, None, AT)


def test_an_alert_that_another_process_raised_meanwhile_is_not_raised_again(tmp_path: Path):
    ours, theirs = Store(tmp_path), Store(tmp_path)

    def due(already: tuple[Alert, ...]) -> tuple[Alert, ...]:
        return () if already else (ALERT,)

    def slow(already: tuple[Alert, ...]) -> tuple[Alert, ...]:
        found = due(already)
        if not asked:
            asked.append(raise_alerts(theirs, AT, due))
        return found

    asked: list[tuple[Alert, ...]] = []
    assert not was_ever_raised(ours)
    assert raise_alerts(ours, AT, slow) == ()
    assert was_ever_raised(ours)
    assert asked == [(ALERT,)]
    assert alerts_since(ours, AT) == (ALERT,)
    ours.close()
    theirs.close()


def test_a_message_is_begun_once_an_attempt_and_never_after_it_arrived(tmp_path: Path):
    store = Store(tmp_path)
    assert claim(store, [step()])
    assert not claim(store, [step()])
    append_deliveries(store, [step("failed")])
    assert not claim(store, [step()])
    assert not claim(store, [step(attempt=2), step(alert="b" * 32), step(attempt=1)])
    assert claim(store, [step(attempt=2)])
    append_deliveries(store, [step("sent", attempt=2)])
    assert not claim(store, [step(attempt=3)])
    assert claim(store, [step(alert=TEST)])
    assert claim(store, [step(alert=TEST)])
    assert [(each.attempt, each.state) for each in deliveries_since(store, AT) if each.alert_id == ALERT.alert_id] == [
        (1, "sending"),
        (1, "failed"),
        (2, "sending"),
        (2, "sent"),
    ]
    store.close()
