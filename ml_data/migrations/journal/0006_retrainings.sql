-- Every retraining, written down before it begins, and what became of it. Rows are only ever added; one without a result
-- runs still, or was cut off (a kill, a power cut) and is told so by the next one.

CREATE TABLE journal.ml_retrainings (
    retraining_id VARCHAR NOT NULL,
    instrument VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    by_whom VARCHAR,
    cause VARCHAR NOT NULL, -- schedule, outcomes, alarm or by hand
    because VARCHAR NOT NULL, -- the cause in words
    champion VARCHAR NOT NULL, -- the version that was to be beaten
    champion_through DATE NOT NULL, -- the last day that it has seen
    level DOUBLE NOT NULL -- the chance that this one comparison passes a candidate that is no better
);

CREATE TABLE journal.ml_retraining_results (
    retraining_id VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL, -- challenger, rejected, failed or cut off
    ended_at TIMESTAMPTZ NOT NULL,
    candidate VARCHAR, -- the version that was made, where it came so far
    opened BOOLEAN NOT NULL, -- whether the days of the comparison were looked at, or may have been
    first_day DATE, -- of the comparison
    last_day DATE,
    score VARCHAR, -- log_loss, or squared_error of the first number
    gain DOUBLE, -- of the candidate over the champion an event, positive = better
    low DOUBLE, -- 95 % interval
    high DOUBLE,
    least DOUBLE, -- what the gain is at least, but for a chance of `level`: above 0 the candidate passes
    n BIGINT,
    days BIGINT,
    why VARCHAR NOT NULL
);
