"""The figures of gates and monitors: what they draw, and that an alarm is a shape and a word, never a colour alone."""

import numpy as np
import pytest

from app_pages.monitor_charts import cusum_chart, drift_chart, wealth_chart
from app_pages.theme import DARK
from ml_monitoring.change import cusum
from ml_monitoring.drift import drift_of
from tests.app_pages.test_model_health_charts import rows_with
from tests.ml_monitoring.test_gates import GOOD, report


def days(count: int):
    return np.datetime64("2025-01-01") + np.arange(count)


def test_the_wealth_of_both_bets_begins_at_a_stake_and_the_line_is_what_is_needed():
    found = report(GOOD)
    spec = wealth_chart(found, DARK).to_dict()
    assert found.skill is not None
    [rows] = [each for each in spec["datasets"].values() if "bet" in each[0]]
    assert {row["bet"] for row in rows} == {f"skill over {found.baseline}", "net R"}
    assert rows[0]["wealth"] == pytest.approx(found.skill.wealth[0])
    assert rows_with(spec, "said") == [{"wealth": 20.0, "said": "needed: 20"}]
    assert spec["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"


def test_a_window_above_its_own_line_has_a_triangle():
    random = np.random.default_rng(0)
    x = random.normal(size=(130 * 6, 2))
    x[-60:, 1] += 2
    day = np.repeat(days(130), 6)
    found = drift_of(x, day, day < day[-60], ("calm", "moved"), window=10, importance={"calm": 0.1, "moved": 0.1})
    assert found is not None
    spec = drift_chart([found], DARK).to_dict()
    rows = rows_with(spec, "written")
    last = {row["input"]: row["written"] for row in rows if row["week"] == rows[-1]["week"]}
    assert last["moved"].endswith("▲")
    assert not last["calm"].endswith("▲")
    assert rows[0]["input"] == "moved"  # what could matter most comes first
    cells, (numbers, marks) = len({row["week"] for row in rows}), spec["layer"][1:]
    assert numbers["mark"]["opacity"] == {"expr": f"width / {cells} > 32 ? 1 : 0"}
    assert marks["mark"]["opacity"] == {"expr": f"width / {cells} > 32 ? 0 : 1"}  # on a telephone they stand alone
    assert (marks["encoding"]["text"], marks["transform"]) == ({"value": "▲"}, [{"filter": "datum.above"}])


def test_an_alarm_is_marked_on_its_day():
    random = np.random.default_rng(1)
    losses = random.normal(size=120 * 6)
    losses[-40 * 6 :] += 1.5
    found = cusum(losses, np.repeat(days(120), 6), 60)
    assert found is not None
    spec = cusum_chart(found, DARK).to_dict()
    marked = [row["day"][:10] for row in rows_with(spec, "alarm") if row["alarm"]]
    assert marked == [str(day) for day in found.alarms]
