"""What the card of retrainings says, literal in, literal out; and the card and the line on their pages."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app_pages.retrainings_view import history_frame, last_sentence, next_sentence
from ml_data.retrainings import Retraining, RetrainingResult, begin_retraining, end_retraining
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_training.due import Due
from tests.app_pages.test_models_page import MODEL, OpenPage, open_page, shelf_home
from tests.hub_home import REGISTRY
from tests.ml_models.drafts import at, draft

__all__ = ["open_page", "shelf_home"]  # fixtures
BEGAN = datetime(2025, 4, 7, 3, 30, tzinfo=UTC)
RUNNING = Retraining("r1", "MGC", MODEL, BEGAN, "outcomes", "512 new outcomes", "v1", date(2025, 1, 3), 0.00625)
REJECTED = RetrainingResult(
    "rejected", BEGAN, "Not shown to be better: because.", "v2", True, date(2025, 1, 6), date(2025, 4, 4),
    "log_loss", 0.0005, -0.0038, 0.0044, -0.0047, 360, 60,
)  # fmt: skip
WON = replace(REJECTED, verdict="challenger", gain=0.02, low=0.01, high=0.03, least=0.004, why="Better: because.")


def ended(result: RetrainingResult) -> Retraining:
    return replace(RUNNING, result=result)


def test_a_comparison_is_told_with_its_interval_n_and_days():
    [row] = history_frame([ended(REJECTED)]).to_dict("records")
    assert row == {
        "Began (UTC)": "2025-04-07 03:30",
        "Because": "512 new outcomes",
        "Champion": "v1",
        "Verdict": "… rejected",
        "Candidate": "v2",
        "Gain an event": "+0.0005 nats",
        "95 % interval": "−0.0038 to +0.0044",
        "n": 360,
        "Days": 60,
        "Compared on": "6 Jan 2025 to 4 Apr 2025",
    }


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (WON, "✓ challenger"),
        (replace(REJECTED, high=-0.001), "✕ rejected"),
        (RetrainingResult("failed", BEGAN, "A canary died."), "✕ failed"),
        (RetrainingResult("cut off", BEGAN, "cut off"), "… cut off"),
        (None, "… runs, or was cut off"),
    ],
)
def test_a_verdict_is_never_a_colour_alone(result: RetrainingResult | None, verdict: str):
    [row] = history_frame([replace(RUNNING, result=result)]).to_dict("records")
    assert row["Verdict"] == verdict


def test_the_newest_stands_first_and_is_told_in_words():
    history = [ended(REJECTED), replace(ended(WON), retraining_id="r2", because="later")]
    assert history_frame(history)["Because"].tolist() == ["later", "512 new outcomes"]
    assert last_sentence(history) == "✓ The last, v2, is a challenger: Better: because."
    assert last_sentence(history[:1]) == "… The last, v2, is kept as rejected: Not shown to be better: because."
    failed = RetrainingResult("failed", BEGAN, "A canary died.")
    assert last_sentence([ended(failed)]) == "✕ The last failed: A canary died."
    assert last_sentence([RUNNING]) == "… None has ended yet."


def test_when_the_next_is_due_is_told():
    later = Due("not due", None, "10 of 90 days", date(2025, 1, 3), date(2025, 4, 6))
    assert next_sentence(later) == (
        "Next retraining due: 6 Apr 2025, or earlier by outcomes or an alarm (10 of 90 days so far)."
    )
    waiting = replace(later, state="waiting", because="90 days; cannot compare yet")
    assert next_sentence(waiting) == "Next retraining due, but waiting: 90 days; cannot compare yet."


def test_the_models_page_tells_what_became_of_each_and_offers_no_rejected_version(
    shelf_home: Path, tmp_path: Path, open_page: OpenPage
):
    home = Path(shutil.copytree(shelf_home, tmp_path / "home"))
    registry, store = ModelRegistry(home / REGISTRY), Store(home / "ml_data")
    words = {"who": "ann", "why": "retraining r1: trained"}
    candidate = str(registry.publish(MODEL, draft(seed=3), now=at(20), **words, pointed=False))
    registry.reject(MODEL, candidate, now=at(21), who="ann", why="Not shown to be better: because.")
    begin_retraining(store, RUNNING, who="ann")
    end_retraining(store, "r1", replace(REJECTED, candidate=candidate))
    store.close()
    app = open_page(home)
    shelf, *_, history = [table.value for table in app.dataframe]
    assert shelf["Alias"].tolist() == ["latest", "champion", "rejected"]
    assert history["Candidate"].tolist() == [candidate]
    said = [caption.value for caption in app.caption]
    assert f"… The last, {candidate}, is kept as rejected: Not shown to be better: because." in said
    assert any(each.startswith("Next retraining due") for each in said)
    [promote] = [box for box in app.selectbox if box.label == "Promote"]
    assert candidate not in promote.options
