-- What the circuit breaker did, code by code: from when it watched a version, each trip, and each re-arm. Rows are only
-- ever added; the last one written of a version and code says how that code stands.

CREATE TABLE journal.ml_breaker (
    instrument VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, -- armed (watched from here on), trip, recovering, rearm
    subject VARCHAR,
    value DOUBLE,
    line DOUBLE,
    sentence VARCHAR NOT NULL,
    happened_at TIMESTAMPTZ NOT NULL,
    by_whom VARCHAR NOT NULL,
    why VARCHAR NOT NULL
);
