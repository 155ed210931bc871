"""What the README tells a trader to type is typed, in its order, on a small market; its settings and code too."""

import re
import shlex
import tomllib
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_scripts import app
from tests.hub_home import REGISTRY, ROOT, STORES
from tests.ml_data.clock_bars import NEW_YORK, open_minutes, shipped, shown
from tests.ml_scripts.hub_runs import run_hub
from trading.settings import read_settings

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.S | re.M)


COMMANDS = [line for block in blocks("") for line in block.splitlines() if line.startswith("hub ")]


def gold_as_a_vendor_sends_it(folder: Path) -> None:
    """Half a year of a random walk in the hours of MGC, two files a trader might get: New York's clock, unnamed."""
    folder.mkdir()
    minutes = open_minutes(shipped("MGC"), "2024-08-05T00:00", "2025-01-18")
    random = np.random.default_rng(11)
    closes = 25_000 + np.cumsum(random.integers(-6, 7, len(minutes)))
    opens = np.concatenate([[25_000], closes[:-1]])
    highs = np.maximum(opens, closes) + random.integers(0, 4, len(minutes))
    lows = np.minimum(opens, closes) - random.integers(0, 4, len(minutes))
    walls = np.datetime_as_string(shown(minutes, NEW_YORK).astype("datetime64[m]"), unit="s")
    rows = [
        f"{wall},{o / 10:.1f},{h / 10:.1f},{low / 10:.1f},{c / 10:.1f},{v}"
        for wall, o, h, low, c, v in zip(
            walls, opens, highs, lows, closes, random.integers(1, 90, len(minutes)), strict=True
        )
    ]
    half = len(rows) // 2
    for name, part in (("2024.csv", rows[:half]), ("2025.csv", rows[half:])):
        (folder / name).write_text("\n".join(["timestamp,open,high,low,close,volume", *part]) + "\n")


def as_typed(line: str) -> list[str]:
    """The words of a command line after `hub`, with its patterns spread as a shell does it, or `hub` on Windows."""
    return [found for word in shlex.split(line)[1:] for found in (sorted(glob(word)) or [word])]


def said_by(line: str, home: Path) -> str:
    ran = run_hub(*as_typed(line), home=home)
    assert ran.code == 0, (line, ran)
    assert ran.err == ""
    return ran.out


@pytest.mark.usefixtures("small")
def test_own_bars_go_the_way_of_the_readme_from_the_file_to_the_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    gold_as_a_vendor_sends_it(tmp_path / "my_bars")
    served: list[int] = []
    monkeypatch.setattr(app, "serve", lambda port, address, **_: served.append(port))
    said = {line: said_by(line, home) for line in COMMANDS}
    dry, stored, built, trained, shadowed, judged = [said[line] for line in COMMANDS[:6]]
    assert "would be stored with --accept" in dry
    assert "clock: America/New_York (inferred from the bars: certain)" in dry
    assert "MGC: 2 of 2 files imported; " in stored
    assert "MGC: built all " in built
    assert "Published directional-MGC " in trained
    assert re.search(r"MGC: \d+ decision moments; \d+ logged \(\d+ refused\)", shadowed)
    assert "predictions logged" in judged
    assert served == [8501]
    store = Store(home / STORES)
    with store.journal() as cursor:
        last_trained_day = cursor.execute("SELECT min(trading_day)::VARCHAR FROM journal.ml_predictions").fetchall()
    store.close()
    assert last_trained_day == [("2025-01-02",)]
    run_the_python_of_the_readme(home, monkeypatch)


def run_the_python_of_the_readme(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config").symlink_to(ROOT / "config")
    monkeypatch.chdir(home)
    names = ModelRegistry(home / REGISTRY).load("directional-MGC").schema.names
    names_and_values: dict[str, Any] = {"features": dict.fromkeys(names, 0.5)}
    [block] = blocks("python")
    lines = block.rstrip().splitlines()
    lines[-1] = f"answer = {lines[-1]}"
    exec("\n".join(lines), names_and_values)  # noqa: S102 - the README's own code
    answer = names_and_values["answer"]
    assert answer["prob_up"] + answer["prob_down"] == pytest.approx(1.0)
    names_and_values["store"].close()


def test_the_commands_of_the_readme_are_those_that_are_tried():
    assert [line.split()[1] for line in COMMANDS] == ["ingest", "ingest", "build", "train", "shadow", "monitor", "app"]


def test_the_settings_of_the_readme_are_the_ones_in_force_without_a_file(monkeypatch: pytest.MonkeyPatch):
    [block] = blocks("toml")
    told = tomllib.loads(block)
    assert read_settings(**told).home == Path("/data/hub")
    monkeypatch.delenv("HUB_HOME", raising=False)
    in_force = read_settings().model_dump()
    for section in ("ml", "account", "display"):
        assert told[section] == in_force[section], section
