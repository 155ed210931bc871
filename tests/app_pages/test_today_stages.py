"""What a stage lets a model do on Today: in shadow nothing but its card, later words, then size."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.today_card import figures
from app_pages.today_said import Said, heard_in, said_of_day
from app_pages.today_voice import advice_of, voice
from ml_data.stage_history import StageChange, append_stage_change
from ml_data.store import Store
from tests.app_pages.test_model_health_page import page
from tests.app_pages.test_today_card import NEW
from tests.app_pages.today_home import MODEL, VERSION, make_home
from tests.app_pages.today_values import OPEN, READY, at, today
from tests.ml_monitoring.journal_tables import Row, journal
from trading.domain.advice import STAGES, Advice
from trading.settings import AccountSettings

Open = Callable[..., AppTest]
CLOCK = {"day": "2025-03-04", "clock": "23:07"}


@pytest.fixture(scope="module")
def full_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def open_today(monkeypatch: pytest.MonkeyPatch) -> Open:
    def open_(home: Path, **url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        app = AppTest.from_function(page, args=("today",), default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_


SAID = Said("p", "2300", VERSION, "auto", at("13:05"), at("13:05"), False, 0.4, 0.4, 0.6, "UP", 0.5, None)


def advice(stage: str, says: str, size: float | None = None) -> Advice:
    return Advice("directional-MGC", VERSION, stage, says, size)


@pytest.mark.parametrize("now", STAGES)
@pytest.mark.parametrize("then", STAGES)
def test_a_forecast_is_heard_in_the_lower_of_the_stage_it_was_made_in_and_that_of_now(then: str, now: str):
    said = replace(SAID, stage=then)
    assert heard_in(said, now).stage == min(then, now, key=STAGES.index)
    assert heard_in(replace(said, replayed=True), now).stage == "shadow"


@pytest.mark.parametrize(
    ("each", "said", "words"),
    [
        (OPEN, advice("shadow", "UP"), ""),
        (OPEN, advice("advisory", "UP"), "directional (advisory) says skip"),
        (OPEN, advice("advisory", "DOWN"), "directional (advisory) says take"),
        (OPEN, advice("advisory", "NONE"), "directional (advisory) is not sure enough to say"),
        (READY, advice("advisory", "UP"), "directional (advisory) says take a break up, skip one down"),
        (OPEN, advice("hybrid", "UP"), "directional (hybrid) says skip (0.5 of the rules' risk)"),
        (READY, advice("hybrid", "UP"), "take a break up, skip one down (0.5 of the rules' risk)"),
        (OPEN, advice("hybrid", "TAKE", 0.7), "says take (0.7 of the rules' risk)"),
        (OPEN, advice("auto", "DOWN"), "directional (auto) says take"),
    ],
)
def test_what_is_said_beside_the_rules(each, said: Advice, words: str):
    spoken = voice([said], each, "MGC")
    assert spoken.endswith(words)
    assert bool(spoken) == bool(words)


def test_a_refusal_advises_nothing():
    assert advice_of([("m", replace(SAID, refusal="The newest bar is too old."))]) == ()
    assert advice_of([("m", SAID)]) == (Advice("m", VERSION, "auto", "UP", None),)


def test_challengers_are_not_shown_however_new():
    champion, dark = Row(version="v_20250101_000000-aaaaa"), Row(version="v_20260101_000000-bbbbb", role="challenger-1")
    asked = journal(champion, dark)
    for name in ("confidence", "base_prob_up"):
        asked = asked.append_column(name, asked["prob_up"])
    asked = asked if "logged_at" in asked.column_names else asked.append_column("logged_at", asked["decided_at"])
    assert [said.version for said in said_of_day(asked)] == ["v_20250101_000000-aaaaa"]


@pytest.mark.parametrize(
    ("stage", "size", "note"),
    [
        ("shadow", "5 lots", "192 USD at risk"),
        ("advisory", "5 lots", "192 USD at risk"),
        ("hybrid", "2 lots", "0.5 of the rules' 5, 77 USD at risk"),
    ],
)
def test_from_hybrid_on_a_model_that_would_skip_halves_the_size(stage: str, size: str, note: str):
    found = figures(today(), OPEN, NEW, AccountSettings(risk_per_trade=200), [advice(stage, "UP")])[2]
    assert (found.value, found.note or found.sub) == (size, note)
    before = figures(today(), READY, NEW, AccountSettings(risk_per_trade=200), [advice(stage, "UP")])
    assert before == figures(today(), READY, NEW, AccountSettings(risk_per_trade=200))


def bars(app: AppTest) -> list[str]:
    """The strip, the decision bar and whatever else stands outside the model's card."""
    html = [getattr(one, "proto", one).body for one in app.get("html")]
    return [each for each in html if "hub-strip" in each or "hub-decision" in each]


def rules_table(app: AppTest) -> str:
    return app.dataframe[0].value.drop(columns="P(up)").to_csv()


def test_in_shadow_the_page_is_the_same_with_and_without_a_model_but_for_its_own(
    full_home: Path, open_today: Open, tmp_path: Path
):
    with_model, without = open_today(full_home, **CLOCK), open_today(make_home(tmp_path / "bare", asked=False), **CLOCK)
    assert len(bars(with_model)) >= 2
    assert bars(with_model) == bars(without)
    assert rules_table(with_model) == rules_table(without)


def test_a_model_is_heard_from_its_promotion_until_its_trip_by_the_clock(
    full_home: Path, open_today: Open, tmp_path: Path
):
    home = Path(shutil.copytree(full_home, tmp_path / "home"))
    store, then = Store(home / "ml_data"), datetime(2025, 3, 4, 13, 5, tzinfo=UTC)
    with store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET replayed = FALSE, stage = 'advisory'")
    for since, stage in ((then - timedelta(days=30), "advisory"), (then + timedelta(minutes=3), "shadow")):
        append_stage_change(store, StageChange(MODEL, VERSION, stage, "champion", since, "Ann", "why", "e" * 64))
    store.close()
    spoken = {}
    for clock in ("23:07", "23:09"):
        found = re.findall(r'class="voice">([^<]*)<', "".join(bars(open_today(home, day="2025-03-04", clock=clock))))
        spoken[clock] = found
    assert spoken["23:09"] == []
    assert [words.split(" says")[0] for words in spoken["23:07"]] == ["directional (advisory)"]
