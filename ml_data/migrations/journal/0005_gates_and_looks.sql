-- What was found when a version was judged for a stage, and each time a monitor looked at it. Rows are only ever added.

CREATE TABLE journal.ml_gates (
    instrument VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    stage VARCHAR NOT NULL, -- the stage that was asked for
    gate VARCHAR NOT NULL,
    state VARCHAR NOT NULL, -- good, bad or cannot tell
    value DOUBLE,
    low DOUBLE,
    high DOUBLE,
    n BIGINT,
    need DOUBLE,
    further_days DOUBLE,
    sentence VARCHAR,
    evidence_hash VARCHAR NOT NULL,
    judged_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE journal.ml_drift (
    instrument VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    monitor VARCHAR NOT NULL, -- prediction drift, feature drift or quality
    through DATE NOT NULL, -- the last trading day that was looked at
    state VARCHAR NOT NULL, -- alarm, quiet or cannot tell
    subject VARCHAR, -- what stands out most
    value DOUBLE,
    line DOUBLE,
    rate DOUBLE, -- the chance of a false alarm that the monitor states for this look
    sentence VARCHAR,
    looked_at TIMESTAMPTZ NOT NULL
);
