-- Every training, tuning trial and backtest, written down before anybody sees what it came to, and every look at the
-- days that were kept for the end. Rows are only ever added: what a trial came to is a row of its own.

CREATE TABLE journal.ml_trials (
    trial_id VARCHAR NOT NULL,
    family VARCHAR NOT NULL, -- recipe, instrument and trade rule: what is chosen among
    kind VARCHAR NOT NULL, -- training, tuning or backtest
    started_at TIMESTAMPTZ NOT NULL,
    parameters VARCHAR NOT NULL, -- JSON
    parameters_hash VARCHAR NOT NULL,
    data_hash VARCHAR NOT NULL,
    by_whom VARCHAR
);

CREATE TABLE journal.ml_trial_results (
    trial_id VARCHAR NOT NULL,
    state VARCHAR NOT NULL, -- finished, pruned or failed; a trial without a row was cut off
    ended_at TIMESTAMPTZ NOT NULL,
    fold_scores DOUBLE[], -- log loss (of numbers: squared error) of each fold that was tested
    sharpe DOUBLE, -- of a trading day, not annualised
    days DATE[], -- the walk-forward days on which there were trades to take or leave
    results DOUBLE[], -- net R of each of them with the advice followed
    why VARCHAR
);

CREATE TABLE journal.ml_window_openings (
    trial_id VARCHAR NOT NULL,
    family VARCHAR NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    opened_at TIMESTAMPTZ NOT NULL
);
