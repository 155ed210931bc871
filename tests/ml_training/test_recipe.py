import re
from pathlib import Path

import pytest

from ml_training.recipe import ALL, SHIPPED, read_recipe, shipped_recipe
from trading.domain.trade_rule import TradeRule
from trading.errors import BadSettings


def written(folder: Path, old: str, new: str) -> Path:
    text = (SHIPPED / "directional.toml").read_text(encoding="utf-8")
    assert old in text
    path = folder / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_the_shipped_recipe_asks_which_way_a_range_breaks():
    recipe = shipped_recipe("directional")
    assert (recipe.event, recipe.label, recipe.features.groups) == ("orb_complete", "break_direction", ALL)
    assert (recipe.validation.folds, recipe.classes.none_least_rows, recipe.classes.none_least_share) == (5, 100, 0.02)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("folds = 5", "folds = 1", ": validation.folds: expected a number greater than or equal to 2, found 1"),
        ("folds = 5", "fold = 5", ": validation.fold: there is no such key; expected one of "),
        ("seed = 20240308", "seed = 1\nluck = 7", ": luck: there is no such key; expected one of checks, classes, "),
        (
            'label = "break_direction"',
            'label = "profit"',
            ": label: expected one of break_direction, ",
        ),
        (
            'event = "orb_complete"',
            'event = "break_closed"',
            ": event: expected 'orb_complete', at ",
        ),
        (
            "seed = 20240308",
            'seed = 1\nrule = "full-rr1-day"',
            ": rule: expected none, since ",
        ),
        ('groups = ["all"]', 'groups = ["levels", "levels"]', ": features.groups: 'levels' is named twice"),
        (
            'groups = ["all"]',
            'groups = ["all"]\nkeep = 0',
            ": features.keep: expected a number greater than or equal to 1, found 0",
        ),
        ("[classes]", "[classes", ": not TOML: "),
    ],
)
def test_a_wrong_key_is_named_with_its_file_and_value(tmp_path: Path, old: str, new: str, said: str):
    path = written(tmp_path, old, new)
    with pytest.raises(BadSettings, match=re.escape(said)) as raised:
        read_recipe(path)
    changed = new.split("\n")[-1]
    line = next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if changed in text)
    assert str(raised.value).startswith(f"{path}:{line}: ")


def test_a_recipe_that_keeps_all_inputs_says_nothing_of_it_and_one_that_keeps_some_says_how_many(tmp_path: Path):
    assert "keep" not in shipped_recipe("directional").document()["features"]
    few = read_recipe(written(tmp_path, 'groups = ["all"]', 'keep = 12\ngroups = ["all"]'))
    assert few.document()["features"]["keep"] == 12


def test_a_recipe_about_a_rule_may_be_asked_about_another_one():
    assert shipped_recipe("entry_quality").rule == "full-rr1-day"
    assert shipped_recipe("entry_quality", "half-rr2-session").trade_rule == TradeRule("half", 2.0, "session")
    with pytest.raises(BadSettings, match="'half-rr5-day' is not a trade rule"):
        shipped_recipe("entry_quality", "half-rr5-day")
    with pytest.raises(BadSettings, match="Recipe directional is not about a trade rule"):
        shipped_recipe("directional", "half-rr2-session")


def test_an_unknown_recipe_names_those_there_are():
    with pytest.raises(
        BadSettings,
        match=r"sideways: no such recipe; .* Known: directional, entry_quality, orb_ensemble, r_multiple, ",
    ):
        shipped_recipe("sideways")
