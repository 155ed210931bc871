-- What was said before the outcome was known, and what came of it. Rows are only ever added: a correction is a new one.
-- No primary keys and no indexes: ids are hashes made by the writer, who looks before adding.

CREATE TABLE journal.ml_predictions (
    prediction_id VARCHAR NOT NULL,
    instrument VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    orb VARCHAR,
    decided_at TIMESTAMPTZ NOT NULL,
    contract VARCHAR,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    version_hash VARCHAR,
    role VARCHAR,
    stage VARCHAR,
    replayed BOOLEAN, -- asked of stored bars afterwards, not at the moment itself
    features DOUBLE[],
    schema_hash VARCHAR,
    max_input_time TIMESTAMPTZ,
    data_hash VARCHAR,
    raw_score DOUBLE[],
    prob_up DOUBLE,
    prob_down DOUBLE,
    prob_none DOUBLE,
    baseline_prob_up DOUBLE,
    confidence DOUBLE,
    advice VARCHAR,
    base_prob_up DOUBLE, -- what the version says without looking
    reasons DOUBLE[], -- what each feature adds to it, in points of probability, in the order of features
    refusal_code VARCHAR,
    refusal_reason VARCHAR,
    latency_ms DOUBLE,
    logged_at TIMESTAMPTZ
);

CREATE TABLE journal.ml_outcomes (
    prediction_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    state VARCHAR NOT NULL, -- matured or void; a prediction without an outcome is pending
    actual VARCHAR,
    correct BOOLEAN,
    r_net DOUBLE, -- of the plain rule
    r_net_advised DOUBLE,
    known_at TIMESTAMPTZ,
    void_reason VARCHAR,
    settled_at TIMESTAMPTZ
);

CREATE TABLE journal.ml_actions (
    prediction_id VARCHAR NOT NULL,
    action VARCHAR NOT NULL, -- followed, ignored or opposite
    why VARCHAR,
    acted_at TIMESTAMPTZ
);

CREATE TABLE journal.ml_stage_history (
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    role VARCHAR,
    since TIMESTAMPTZ NOT NULL,
    by_whom VARCHAR,
    why VARCHAR,
    evidence_hash VARCHAR
);
