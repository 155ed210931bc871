import lightgbm
import numpy as np
import pytest

from ml_models.calibrator import Calibrator
from ml_models.scores import log_loss
from ml_models.walk_start import WalkStart
from ml_training.estimators import Fit, Rows, class_weights, fit
from ml_training.recipe import Estimator, Recipe
from trading.domain.label import BREAK_DIRECTION

NAMES = ("lean", "noise")


@pytest.fixture(scope="module")
def estimator(recipe: Recipe) -> Estimator:
    return recipe.estimator.model_copy(update={"min_data_in_leaf": 20, "learning_rate": 0.1})


def rows(count: int, rare: float, classes: int = 2, seed: int = 0) -> Rows:
    """Class 1 (or 2 of 3) happens with a chance around `rare` that grows with the first feature."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 2))
    x[::17, 1] = np.nan
    chance = 1 / (1 + np.exp(-(x[:, 0] + np.log(rare / (1 - rare)))))
    happened = random.random(count) < chance
    common = np.zeros(count, dtype=np.int64) if classes == 2 else random.integers(0, 2, count)
    return Rows(x, np.where(happened, classes - 1, common))


def test_the_same_rows_and_seed_give_the_same_bytes_and_another_seed_does_not(estimator: Estimator):
    first, again, other = (fit(rows(2000, 0.4), NAMES, estimator, 2, seed, rounds=20) for seed in (3, 3, 4))
    assert first.text == again.text
    assert first.text != other.text


def test_the_written_model_predicts_bit_for_bit_what_the_fitted_one_does(estimator: Estimator):
    for classes in (2, 3):
        train = rows(3000, 0.05, classes)
        fitted = fit(train, NAMES, estimator, classes, 3, rounds=30, weigh_rarest_below=0.1)
        read = Fit(lightgbm.Booster(model_str=fitted.text.decode()), fitted.rounds, fitted.weights)
        assert read.probabilities(train.x).tobytes() == fitted.probabilities(train.x).tobytes()


def test_early_stopping_keeps_the_rounds_that_were_best_on_the_watched_rows(estimator: Estimator):
    watched = rows(1500, 0.4, seed=1)
    patient = estimator.model_copy(update={"early_stopping_rounds": 200})
    stopped = fit(rows(1500, 0.4), NAMES, patient, 2, 3, watched=watched)
    losses = [
        log_loss(watched.codes, fit(rows(1500, 0.4), NAMES, estimator, 2, 3, rounds=count).probabilities(watched.x))
        for count in (1, stopped.rounds, estimator.rounds)
    ]
    assert 1 < stopped.rounds < estimator.rounds
    assert losses[1] < min(losses[0], losses[2])


def test_weights_balance_the_classes_only_where_one_is_rare():
    codes = np.repeat([0, 1, 2], [45, 45, 10])
    assert class_weights(codes, 3, 0.2) == (100 / 135, 100 / 135, 100 / 30)
    assert class_weights(codes, 3, 0.1) == (1.0, 1.0, 1.0)
    assert class_weights(np.array([0, 0, 0]), 2, 0.5) == (1.0, 1.0)


@pytest.mark.parametrize("classes", [2, 3])
def test_weighted_fits_say_probabilities_that_happen_as_often_as_they_say(estimator: Estimator, classes: int):
    train, test = rows(20_000, 0.03, classes), rows(20_000, 0.03, classes, seed=9)
    plain, weighed = (
        fit(train, NAMES, estimator, classes, 3, rounds=60, weigh_rarest_below=below) for below in (0.0, 0.2)
    )
    assert max(weighed.weights) > 5
    happened = (test.codes == classes - 1).mean()
    assert weighed.probabilities(test.x)[:, -1].mean() == pytest.approx(happened, rel=0.2)
    gap = log_loss(test.codes, weighed.probabilities(test.x)) - log_loss(test.codes, plain.probabilities(test.x))
    assert abs(gap) < 0.005  # at face value the weighted probabilities would lose about 0.4


def test_taking_weights_back_divides_the_odds_by_them_exactly(estimator: Estimator):
    train = rows(5000, 0.03, 3)
    weights = np.array(class_weights(train.codes, 3, 0.2))
    ours = fit(train, NAMES, estimator, 3, 3, rounds=10, weigh_rarest_below=0.2).probabilities(train.x)
    data = lightgbm.Dataset(train.x, train.codes, weight=weights[train.codes])
    fixed = {"objective": "multiclass", "num_class": 3, "seed": 3, "deterministic": True, "force_row_wise": True}
    chosen = estimator.model_dump(exclude={"rounds", "early_stopping_rounds"})
    bare = lightgbm.train({**fixed, **chosen, "num_threads": 1, "verbosity": -1}, data, 10).predict(train.x)
    expected = bare / weights
    np.testing.assert_allclose(ours, expected / expected.sum(axis=1, keepdims=True), rtol=1e-12)


def test_watching_a_weighted_fit_sees_the_probabilities_as_they_are_published(estimator: Estimator):
    train, watched = rows(8000, 0.03, 3), rows(4000, 0.03, 3, seed=5)
    stopped = fit(train, NAMES, estimator, 3, 3, watched=watched, weigh_rarest_below=0.2)
    seen = stopped.booster.best_score["valid_0"]["multi_logloss"]
    assert seen == pytest.approx(log_loss(watched.codes, stopped.probabilities(watched.x)), abs=1e-9)


def walk_rows(count: int, classes: int, seed: int, edge: float = 0.0) -> Rows:
    """What the walk says of each event and a second number, which moves the odds of DOWN by `edge`."""
    random = np.random.default_rng(seed)
    x = np.column_stack([random.uniform(0.03, 0.97, count), random.normal(size=count)])
    odds = (1 - x[:, 0]) / x[:, 0] * np.exp(edge * np.sign(x[:, 1]))
    codes = (random.random(count) < odds / (1 + odds)).astype(np.int64)
    return Rows(x, codes if classes == 2 else np.where(random.random(count) < 0.04, 2, codes))


def walk_start(rows: Rows, classes: int) -> WalkStart:
    p_none = float((rows.codes == 2).mean())
    return WalkStart.learned(BREAK_DIRECTION, None, ("martingale_up", "noise"), classes, rows.x, p_none)


@pytest.mark.parametrize("classes", [2, 3])
def test_without_an_edge_a_fit_from_the_walk_stays_with_it_and_one_from_scratch_is_worse(
    estimator: Estimator, classes: int
):
    train, watched, test = (walk_rows(4000, classes, seed) for seed in (1, 2, 3))
    begun = walk_start(train, classes)
    names = ("martingale_up", "noise")
    for below in (0.0, 0.2):  # with 4 % of NONE the second weighs it up
        losses = [
            log_loss(
                test.codes,
                fit(
                    train, names, estimator, classes, 3, watched=watched, weigh_rarest_below=below, start=each
                ).probabilities(test.x),
            )
            for each in (None, begun)
        ]
        walk = log_loss(test.codes, Calibrator().apply(begun.scores(test.x)))
        assert abs(losses[1] - walk) < 0.0015
        assert losses[1] < losses[0]


def test_an_edge_beside_the_walk_is_found_from_there(estimator: Estimator):
    train, watched, test = (walk_rows(4000, 2, seed, edge=0.4) for seed in (1, 2, 3))
    begun = walk_start(train, 2)
    fitted = fit(train, ("martingale_up", "noise"), estimator, 2, 3, watched=watched, start=begun)
    up = test.x[:, 0]
    walk = log_loss(test.codes, np.column_stack([up, 1 - up]))
    assert log_loss(test.codes, fitted.probabilities(test.x)) < walk - 0.012


def test_watching_a_fit_from_the_walk_sees_the_probabilities_as_they_are_published(estimator: Estimator):
    train, watched = walk_rows(3000, 3, 1), walk_rows(2000, 3, 2)
    begun = walk_start(train, 3)
    fitted = fit(
        train, ("martingale_up", "noise"), estimator, 3, 3, watched=watched, weigh_rarest_below=0.2, start=begun
    )
    seen = fitted.booster.best_score["valid_0"]["multi_logloss"]
    assert max(fitted.weights) > 5
    assert seen == pytest.approx(log_loss(watched.codes, fitted.probabilities(watched.x)), abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_contributions_of_a_fit_from_the_walk_sum_to_its_raw_scores(estimator: Estimator, classes: int):
    train = walk_rows(1000, classes, 1)
    fitted = fit(train, ("martingale_up", "noise"), estimator, classes, 3, rounds=20, start=walk_start(train, classes))
    np.testing.assert_allclose(fitted.contributions(train.x).sum(axis=2), fitted.margins(train.x), atol=1e-12)
