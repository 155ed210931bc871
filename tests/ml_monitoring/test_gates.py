import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ml_monitoring.gates import Check, gate_report
from ml_monitoring.looks import MONITORS, Look
from ml_monitoring.wealth import net_r_wealth, skill_wealth
from tests.ml_monitoring.live_journals import after, evidence, live, rows
from trading.errors import HubError
from trading.settings import GateSettings

SETTINGS = GateSettings()
QUIET = tuple(Look(name, None, "quiet", "", 0.1, 0.2, 0.05, f"{name}: quiet.") for name in MONITORS)
SOUND = {"version": Check(True, "Sound."), "breaker": Check(True, "Armed.")}
GOOD = live(*rows(130, 0.66, seed=3))


def report(table=GOOD, *, settings=SETTINGS, looks=QUIET, checks=SOUND, stage="advisory", at=None):
    return gate_report(evidence(table, at=at), stage, settings, most_a_day=6, looks=looks, checks=checks)


def states(found):
    return {gate.name: gate.state for gate in found.gates}


def test_a_skilled_calibrated_model_opens_every_gate():
    found = report()
    assert found.passed, states(found)
    assert found.skill is not None
    assert found.skill.passed is not None


def test_a_coin_opens_neither_bet_however_long_it_is_watched():
    found = states(report(live(*rows(250, 0.5, seed=1))))
    assert found["days"] == found["predictions"] == "good"
    assert found["skill"] == "bad"
    assert found["calibration"] == "bad"


def test_without_forecasts_nothing_is_open_but_what_was_looked_at_elsewhere():
    found = report(live())
    assert {name for name, state in states(found).items() if state == "good"} == {"alarms", "breaker", "version"}
    assert not found.passed


def test_replayed_forecasts_open_nothing_and_are_told():
    found = report(live(*(replace(row, replayed=True) for row in rows(130, 0.66, seed=3))))
    assert (found.live, found.replayed) == (0, 650)
    assert states(found)["skill"] == states(found)["days"] == "cannot tell"


@pytest.mark.parametrize(
    ("looks", "state"),
    [
        ((replace(QUIET[0], state="alarm"), *QUIET[1:]), "bad"),
        ((replace(QUIET[0], state="cannot tell"), *QUIET[1:]), "cannot tell"),
        ((), "cannot tell"),
    ],
)
def test_an_open_alarm_or_a_monitor_that_cannot_tell_closes_the_gate(looks, state):
    found = report(looks=looks)
    assert states(found)["alarms"] == state
    assert not found.passed


def test_stale_evidence_and_a_clock_that_went_back_close_the_gate():
    assert states(report(at=after(GOOD) + timedelta(days=8)))["fresh"] == "cannot tell"
    back = report(at=after(GOOD) - timedelta(days=1))
    assert states(back)["fresh"] == "cannot tell"
    assert "clock went back" in next(gate.sentence for gate in back.gates if gate.name == "fresh")


def test_later_stages_ask_for_audits_and_the_breaker_and_take_silence_for_no():
    assert states(report(stage="hybrid")).items() >= {"replay": "cannot tell", "skew": "cannot tell"}.items()
    assert states(report(checks={"version": Check(True, "Sound.")}))["breaker"] == "cannot tell"
    failed = report(
        stage="hybrid", checks={**SOUND, "skew": Check(False, "x differs."), "replay": Check(True, "Clean.")}
    )
    assert states(failed)["skew"] == "bad"
    assert states(failed)["replay"] == "good"


def test_accuracy_is_asked_only_where_it_is_set():
    assert "accuracy" not in states(report())
    assert states(report(settings=GateSettings(accuracy_above=0.55)))["accuracy"] == "good"
    assert states(report(settings=GateSettings(accuracy_above=0.75)))["accuracy"] == "bad"


def test_an_advised_trade_without_its_result_closes_the_gate():
    made = rows(130, 0.66, seed=3)
    found = report(live(replace(made[0], r_advised=None), *made[1:]))
    assert states(found)["net_r"] == "cannot tell"


def test_the_hash_is_of_rows_settings_and_stage():
    assert report().evidence_hash == report().evidence_hash
    others = [report(settings=GateSettings(days=91)), report(stage="hybrid"), report(live(*rows(131, 0.66, seed=3)))]
    assert len({report().evidence_hash, *(each.evidence_hash for each in others)}) == 4


def test_a_bet_counts_whole_days_and_no_loss_is_beyond_its_worst():
    judged = evidence(GOOD).live
    for name, found in skill_wealth(judged, 6, 0.05).items():
        assert found.gains.min() >= -1, name
        assert len(found.days) == 129
    with pytest.raises(HubError, match="is the worst"):
        net_r_wealth(replace(judged, r_net_advised=judged.r_net_advised - 3), np.full(len(judged), 1.03), 6, 0.05)
    with pytest.raises(HubError, match="not stored"):
        net_r_wealth(judged, np.full(len(judged), math.nan), 6, 0.05)


def test_models_that_equal_their_baseline_pass_no_more_often_than_alpha():
    """80 models right as often as the walk says: the forecast moves at random around a walk that is right."""
    passed = 0
    for seed in range(80):
        random = np.random.default_rng(seed)
        made = []
        for row in rows(100, 0.5, seed=seed):
            base = float(np.clip(random.normal(0.5, 0.12), 0.1, 0.9))
            up = bool(random.random() < base)
            said = float(np.clip(base + random.normal(0, 0.06), 0.05, 0.95))
            made.append(replace(row, up=said, base=base, actual="UP" if up else "DOWN"))
        bets = skill_wealth(evidence(live(*made)).live, 5, 0.05)
        passed += all(found.passed is not None for found in bets.values())
    assert passed <= 8  # 4 expected at most; more than 8 of 80 has a chance of 2 %
