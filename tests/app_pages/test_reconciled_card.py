"""The card of live against replay: what the looks came to, as they stood at the page's clock."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.reconciled_card import causes_html, verdict_of
from ml_data.store import Store
from ml_monitoring.day_audit import Reconciled, reconciled_so_far, record_look
from ml_monitoring.reconciliation import CauseTotal, Difference, Part, Reconciliation
from tests.app_pages.small_home import MODEL, make_home
from tests.app_pages.test_model_health_page import captions, page
from tests.ml_monitoring.journal_tables import Row

LOOKED = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)


def look(day: str, *causes: tuple[str, int, float], events: int = 6) -> Reconciliation:
    differ = tuple(
        Difference("MGC", "p", name, (Part(name, r, "why"),), 0.0, r) for name, count, r in causes for _ in range(count)
    )
    totals = tuple(CauseTotal(name, count, count, r) for name, count, r in causes)
    replay = 1.5 + sum(r for *_, r in causes)
    return Reconciliation("MGC", MODEL, "v", date.fromisoformat(day), False, events, 0, 1.5, replay, totals, differ)


def summed(tmp_path: Path, *looks: Reconciliation) -> Reconciled:
    store = Store(tmp_path / "ml_data")
    for each in looks:
        record_look(store, each, LOOKED)
    found = reconciled_so_far(store, "MGC", MODEL, known_by=LOOKED)
    store.close()
    assert found is not None
    return found


def test_days_are_summed_by_cause_in_causal_order(tmp_path: Path):
    found = summed(
        tmp_path,
        look("2025-06-02", ("fill_differs", 2, -0.25)),
        look("2025-06-03", ("data_revised", 1, 0.5), ("fill_differs", 1, -0.25)),
    )
    verdict = verdict_of(found)
    assert verdict.state == "cannot tell"
    assert verdict.sentence == (
        "On 2 trading days (02 Jun 2025 to 03 Jun 2025): 12 events compared, 4 differ: 1 by revised or late bars "
        "(+0.50R), 3 by other costs or ticks (−0.50R). Net R +3.00R live, +3.00R in the replay."
    )
    html = causes_html(found)
    assert html.index("data_revised") < html.index("fill_differs")
    assert "3 of 12 events, −0.50R" in html


def test_without_a_difference_it_is_good_and_with_one_nobody_can_explain_bad(tmp_path: Path):
    assert verdict_of(summed(tmp_path / "a", look("2025-06-02"))).state == "good"
    found = summed(tmp_path / "b", look("2025-06-02", ("unexplained", 1, 0.0)))
    assert verdict_of(found).state == "bad"
    assert "tone-bad" in causes_html(found)


def test_the_page_shows_the_looks_there_were_at_its_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = make_home(tmp_path, [Row()])
    summed(home, look("2025-06-02", ("threshold_differs", 2, -0.5)))
    monkeypatch.setenv("HUB_HOME", str(home))
    at = AppTest.from_function(page, args=("model_health",), default_timeout=30)
    at.run()
    assert not at.exception
    assert "6 events compared, 2 differ: 2 by other settings (−0.50R)" in captions(at)
    at.query_params["day"] = "2025-06-03"
    at.run()
    assert "No day of live forecasts was set against a replay yet" in captions(at)
