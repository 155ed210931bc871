-- What an answer and an outcome were made with beside bars and version, so that a replay that comes out otherwise can be
-- attributed. Rows from before hold NULL: it was not recorded.

ALTER TABLE journal.ml_predictions ADD COLUMN confidence_threshold DOUBLE; -- the lowest confidence that was advice
ALTER TABLE journal.ml_predictions ADD COLUMN stale_minutes INTEGER; -- how old the newest bar might be
ALTER TABLE journal.ml_predictions ADD COLUMN slippage_ticks INTEGER; -- of a market order, by the instrument's file
ALTER TABLE journal.ml_predictions ADD COLUMN definitions_hash VARCHAR; -- of the instrument's file and of what a trade is
ALTER TABLE journal.ml_outcomes ADD COLUMN definitions_hash VARCHAR;

-- Each time that the forecasts of a day were set against a replay of them. Rows are only ever added.
CREATE TABLE journal.ml_reconciliations (
    instrument VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL, -- the one that the replay asked
    trading_day DATE NOT NULL,
    replayed BOOLEAN NOT NULL, -- what was compared was replayed itself, not live
    events BIGINT NOT NULL,
    differ BIGINT NOT NULL,
    unsettled BIGINT NOT NULL, -- events without an outcome: no R is compared
    r_live DOUBLE NOT NULL,
    r_replay DOUBLE NOT NULL,
    causes VARCHAR[] NOT NULL, -- those that were found, in causal order
    cause_events BIGINT[] NOT NULL, -- events whose first cause it is
    cause_r DOUBLE[] NOT NULL, -- the net R that it accounts for
    looked_at TIMESTAMPTZ NOT NULL
);
