import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml_data.feature_matrix import feature_groups
from ml_data.ingest import ingest_bars
from ml_data.lookahead import LookaheadReport, audit_lookahead
from ml_data.store import Store
from ml_data.trials import trials_of
from ml_models.calibrator import Calibrator
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import FILES
from ml_models.scores import log_loss
from ml_training.code_state import CodeState
from ml_training.dataset import Dataset, chosen_groups
from ml_training.plants import HIDDEN, STATED
from ml_training.recipe import Recipe
from ml_training.train_pipeline import STEPS, train
from ml_training.train_report import TrainReport, describe_training
from ml_training.training import assess, out_of_fold_calibration, plan_of
from ml_training.version_draft import Circumstances, draft_of
from ml_training.walk_forward import walk_forward
from trading.domain.instrument import Instrument
from trading.errors import CheckFailed, HubError, NothingStored

NOW = datetime(2024, 1, 2, 12, 0, tzinfo=UTC)
LATER, LATEST = (NOW + timedelta(hours=each) for each in (1, 2))
UNTIL = date(2023, 11, 30)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, demo: Instrument, demo_table: pa.Table) -> Iterator[Store]:
    home = Store(tmp_path_factory.mktemp("home"))
    ingest_bars(home, demo, [demo_table], source_name="the demo market", now=NOW)
    yield home
    home.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> ModelRegistry:
    return ModelRegistry(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def empty_registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "registry")


@pytest.fixture(scope="module")
def report(store: Store, registry: ModelRegistry, demo: Instrument, recipe: Recipe) -> TrainReport:
    return train(store, registry, demo, recipe, until=UNTIL, now=NOW, who="test")


def test_a_training_publishes_a_version_that_loads_and_says_how_it_was_made(
    report: TrainReport, registry: ModelRegistry, recipe: Recipe
):
    loaded = registry.load(report.model)
    metadata = loaded.metadata
    assert loaded.version == report.version
    assert set(loaded.manifest.files) == set(FILES)
    assert loaded.schema.classes == ("UP", "DOWN")
    assert metadata.command == "hub train directional --instrument DEMO --until 2023-11-30"
    assert (metadata.instrument, metadata.synthetic, metadata.seed) == ("DEMO", True, recipe.seed)
    assert [each.name for each in metadata.ranges] == ["learned from", "walk-forward, tested on", "untouched window"]
    assert metadata.ranges[0].last_day < metadata.ranges[2].first_day
    assert metadata.ranges[2].last_day == UNTIL
    assert metadata.expires_on == date(2024, 5, 28)  # 180 days later
    assert metadata.extra["untouched_window_opened"].startswith("once")
    assert metadata.parameters["num_threads"] == 1
    assert registry.verify(report.model, report.version) == []


def test_golden_rows_hold_whole_gappy_and_empty_rows(report: TrainReport, registry: ModelRegistry):
    golden = registry.load(report.model).golden
    missing = np.isnan(golden.rows).sum(axis=1)
    assert len(golden.rows) == 20
    assert missing.min() < 3
    assert missing[-1] == golden.rows.shape[1]
    assert 0 < missing[-2] < golden.rows.shape[1]


def test_the_schema_gives_each_input_its_range_and_refuses_what_must_not_be_missing(
    report: TrainReport, registry: ModelRegistry, dataset: Dataset
):
    columns = {column.name: column for column in registry.load(report.model).schema.columns}
    assert tuple(columns) == dataset.names
    assert columns["atr_14"].missing == columns["weekday"].missing == "refused"
    assert columns["range_volume_to_hour"].missing == "allowed"
    assert (columns["weekday"].low, columns["weekday"].high) == (0.0, 4.0)
    ranges = report.metadata.extra["feature_ranges"]["atr_14"]
    assert ranges["minimum"] <= ranges["p01"] < ranges["median"] < ranges["p99"] <= ranges["maximum"]


def test_metrics_and_card_put_both_baselines_beside_the_model(report: TrainReport, registry: ModelRegistry):
    folder = registry.root / report.model / report.version
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics["walk_forward"]["baselines"]) == ["majority", "martingale"]
    assert [len(metrics["folds"]), set(metrics["untouched"]["skill"])] == [3, {"log_loss", "brier", "accuracy"}]
    card = (folder / "MODEL_CARD.md").read_text()
    assert "| score | model | majority | martingale |" in card
    assert "NONE is not answered" in card
    assert "Learned from a synthetic market" in card


def test_the_same_bars_and_recipe_give_the_same_files_whatever_came_after_until(
    report: TrainReport, registry: ModelRegistry, demo: Instrument, demo_table: pa.Table, recipe: Recipe, tmp_path: Path
):
    other = Store(tmp_path / "home")
    keep = pa.compute.less(
        demo_table.column("ts"), pa.scalar(datetime(2023, 12, 5, tzinfo=UTC), demo_table.schema.field("ts").type)
    )
    ingest_bars(other, demo, [demo_table.filter(keep)], source_name="fewer", now=NOW)
    again = ModelRegistry(tmp_path / "registry")
    repeated = train(other, again, demo, recipe, until=UNTIL, now=NOW, who="test")
    other.close()
    left, right = (reg.root / rep.model / rep.version for reg, rep in ((registry, report), (again, repeated)))
    for name in set(FILES) - {"metadata.json", "MODEL_CARD.md"}:  # those two name the state of the code
        assert (left / name).read_bytes() == (right / name).read_bytes(), name
    assert report.metadata.data_hash == repeated.metadata.data_hash


def test_a_second_training_knows_its_parent_and_that_it_is_the_second(
    report: TrainReport, store: Store, registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    second = train(store, registry, demo, recipe, until=date(2023, 11, 29), now=NOW, who="test")
    assert (report.metadata.parent, report.metadata.trials) == (None, 1)
    assert (second.metadata.parent, second.metadata.trials) == (report.version, 2)


def test_the_report_says_skill_before_accuracy_and_what_was_checked(report: TrainReport):
    lines = describe_training(report)
    text = "\n".join(lines)
    assert lines[0].startswith(f"Published {report.model} {report.version} for DEMO (a synthetic market)")
    assert text.index("gain in log loss") < text.index("Accuracy ")
    assert "martingale 0." in text
    assert "It is the first trial of its family: nothing was chosen among." in text
    assert "The untouched window was opened once, after every choice was made." in text
    assert "calibrator" in text.lower()
    assert "Sharpe ratio" in text
    assert json.loads(json.dumps(report.document(), allow_nan=False))["version"] == report.version


def test_a_planted_leak_blocks_publication(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    for plant in (HIDDEN, STATED):
        groups = (*feature_groups(), plant.group(recipe.event))
        with pytest.raises(CheckFailed, match=r"audit failed, so nothing was published.*planted_outcome"):
            train(store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test", groups=groups)
    assert empty_registry.models() == ()


def test_an_audit_gone_blind_is_found_out_by_the_canaries(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    def blind(*_: object, **__: object) -> LookaheadReport:
        return LookaheadReport(events=3, features=84, problems=())

    with pytest.raises(CheckFailed, match=r"canary died.*\(audit of a hidden leak, audit of a stated leak, "):
        train(store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test", audit=blind)
    assert empty_registry.models() == ()


def test_a_leak_that_audit_and_canaries_overlook_is_too_good_to_be_true(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    plant = HIDDEN.group(recipe.event)
    groups = (*feature_groups(), replace(plant, features=(replace(plant.features[0], name="tomorrow"),)))

    def bribed(*args: object, **how: object) -> LookaheadReport:
        if how["groups"] == groups:
            return LookaheadReport(events=3, features=85, problems=())
        return audit_lookahead(*args, **how)

    with pytest.raises(CheckFailed, match=r"Too good to be true.*AUC on the walk-forward is 1\.000"):
        train(store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test", groups=groups, audit=bribed)
    assert empty_registry.models() == ()


def test_a_trial_is_on_disk_before_it_runs_and_its_result_before_the_window_is_opened(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    seen: dict[str, list[str]] = {}

    def look(step: str, _done: int, _total: int) -> None:
        with store.journal() as cursor:
            openings = cursor.execute("SELECT count(*) FROM journal.ml_window_openings").fetchall()[0][0]
        trials = trials_of(store, "directional-DEMO")
        seen[step] = [trials[-1].result.state if trials else "", openings]

    before = len(trials_of(store, "directional-DEMO"))
    with store.journal() as cursor:
        looks = cursor.execute("SELECT count(*) FROM journal.ml_window_openings").fetchall()[0][0]
    made = train(
        store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test", progress=look, clock=lambda: LATER
    )
    trials = trials_of(store, "directional-DEMO")
    assert len(trials) == before + 1
    assert seen["walking forward"] == ["cut off", looks]
    assert seen["opening the untouched window"] == ["finished", looks]
    assert seen["publishing"] == ["finished", looks + 1]
    mine = trials[-1].result
    assert len(mine.fold_scores) == recipe.validation.folds
    assert len(mine.days) == len(mine.results) == made.metrics["trials"]["deflated_sharpe"]["days"]
    assert mine.sharpe == pytest.approx(np.mean(mine.results) / np.std(mine.results, ddof=1))


def test_trying_again_makes_the_window_touched_and_every_place_says_so(
    report: TrainReport, store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    again = train(store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test")
    times = again.metrics["untouched"]["opened"]
    assert report.metrics["untouched"]["opened"] == 1
    assert times > 1
    assert again.metadata.extra["untouched_window_opened"].endswith("time; no longer untouched")
    card = (empty_registry.root / again.model / again.version / "MODEL_CARD.md").read_text()
    assert f"### The untouched window, opened for the {times}" in card
    assert f"It is one of {again.metadata.trials:,} trials of its family" in card
    assert "no longer untouched." in "\n".join(describe_training(again))


def test_a_training_that_fails_after_its_folds_is_in_the_ledger_with_the_reason(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    def stop(step: str, _done: int, _total: int) -> None:
        if step == "walking forward":
            raise KeyboardInterrupt("the trader had enough")

    with pytest.raises(KeyboardInterrupt):
        train(
            store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test", progress=stop, clock=lambda: LATEST
        )
    last = trials_of(store, "directional-DEMO")[-1].result
    assert (last.state, last.why) == ("failed", "KeyboardInterrupt: the trader had enough")


@pytest.mark.parametrize("step", STEPS)
def test_an_interrupt_at_any_step_publishes_nothing(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe, step: str
):
    def interrupted(begun: str, done: int, total: int) -> None:
        assert (STEPS[done], len(STEPS)) == (begun, total)
        if begun == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(store, empty_registry, demo, recipe, until=UNTIL, now=NOW, who="test", progress=interrupted)
    assert empty_registry.models() == ()


def test_training_on_nothing_names_the_command_that_brings_bars(
    tmp_path: Path, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    with pytest.raises(NothingStored, match="hub ingest FILES --instrument DEMO"):
        train(Store(tmp_path / "home"), empty_registry, demo, recipe, until=None, now=NOW, who="test")


def test_too_few_days_are_refused_before_anything_is_fitted(
    store: Store, empty_registry: ModelRegistry, demo: Instrument, recipe: Recipe
):
    with pytest.raises(HubError, match="trading days"):
        train(store, empty_registry, demo, recipe, until=date(2023, 3, 31), now=NOW, who="test")


def test_three_classes_with_weights_go_all_the_way_to_the_shelf(
    dataset: Dataset, recipe: Recipe, empty_registry: ModelRegistry, demo: Instrument
):
    wait = dataset.label_known - dataset.decided
    slow = wait > np.quantile(wait, 0.95)
    three = replace(dataset, classes=("UP", "DOWN", "NONE"), codes=np.where(slow, 2, dataset.codes))
    assert 0.03 < slow.mean() < 0.06
    plan = plan_of(three, recipe)
    training = assess(three, plan, recipe, walk_forward(three, plan.folds, recipe))
    made = Circumstances(demo, UNTIL, CodeState("unknown", dirty=False), {"python": "3"}, None, 1)
    draft = draft_of(three, training, recipe, chosen_groups(recipe), LookaheadReport(3, len(three.names), ()), (), made)
    empty_registry.publish("directional", draft, now=NOW, who="test", why="three classes")
    loaded = empty_registry.load("directional")
    test = plan.final.test
    assert max(training.fit.weights) > 3
    assert loaded.predict(three.x[test]).tobytes() == training.fit.probabilities(three.x[test]).tobytes()
    assert loaded.predict(three.x[test])[:, 2].mean() == pytest.approx(slow[test].mean(), abs=0.03)
    assert "recall_NONE" in training.untouched.scores


@pytest.mark.parametrize("calibrator", [Calibrator("temperature", temperature=2.0), Calibrator("platt", slope=0.5)])
def test_a_chosen_calibrator_is_published_and_measured_on_the_window_but_not_on_the_folds(
    dataset: Dataset,
    recipe: Recipe,
    empty_registry: ModelRegistry,
    demo: Instrument,
    calibrator: Calibrator,
    monkeypatch: pytest.MonkeyPatch,
):
    plan = plan_of(dataset, recipe)
    results = walk_forward(dataset, plan.folds, recipe)
    raw = assess(dataset, plan, recipe, results)
    chosen = replace(raw.calibration, calibrator=calibrator, sentence="It was chosen.")
    monkeypatch.setattr("ml_training.training.out_of_fold_calibration", lambda *_: chosen)
    training = assess(dataset, plan, recipe, results)
    made = Circumstances(demo, UNTIL, CodeState("unknown", dirty=False), {"python": "3"}, None, 1)
    audited = LookaheadReport(3, len(dataset.names), ())
    draft = draft_of(dataset, training, recipe, chosen_groups(recipe), audited, (), made)
    empty_registry.publish("directional", draft, now=NOW, who="test", why="calibrated")
    loaded, window = empty_registry.load("directional"), plan.final.test
    assert loaded.calibrator == calibrator
    said = log_loss(dataset.codes[window], loaded.predict(dataset.x[window]))
    assert training.untouched.scores["log_loss"].value == said != raw.untouched.scores["log_loss"].value
    assert training.walk_forward.scores == raw.walk_forward.scores
    assert "### Calibration\n\n- It was chosen.\n- The untouched window is measured with the calibrator;" in draft.card


def test_scores_out_of_fold_that_are_too_bold_are_calibrated(dataset: Dataset, recipe: Recipe):
    bold = recipe.model_copy(
        update={
            "estimator": recipe.estimator.model_copy(
                update={"learning_rate": 0.5, "num_leaves": 60, "min_data_in_leaf": 5, "lambda_l2": 0.0}
            )
        }
    )
    plan = plan_of(dataset, bold)
    results = walk_forward(dataset, plan.folds, bold, rounds=60)
    found = out_of_fold_calibration(dataset, results)
    assert found.p_value < 0.001
    assert found.losses["constant"] < found.losses["raw"]
    assert min(found.losses.values()) in (found.losses["constant"], found.losses["temperature"], found.losses["platt"])
