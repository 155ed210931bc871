-- What the bars of each day's own contract leave open: how full each hour is, where they are silent, what is doubtful.

CREATE TABLE market.bar_hours (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    contract VARCHAR,
    starts_at TIMESTAMPTZ NOT NULL, -- a whole hour, UTC
    bars INTEGER,
    expected_bars INTEGER, -- minutes of it in which the exchange is open and that belong to the day
    volume DOUBLE,
    zero_volume INTEGER -- bars whose volume is 0
);

CREATE TABLE market.bar_silences (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    contract VARCHAR,
    starts_at TIMESTAMPTZ NOT NULL, -- the first minute without a bar
    ends_at TIMESTAMPTZ NOT NULL, -- the next bar, or the end of the day
    minutes INTEGER, -- in which the exchange is open
    at_edge BOOLEAN, -- it touches hours in which the exchange is closed
    holiday VARCHAR -- of 7 minutes or more: New York or London, where a holiday or half day is kept
);

CREATE TABLE market.bar_doubts (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL, -- the day on which it was known
    contract VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, -- spike, jump or steps
    ts TIMESTAMPTZ NOT NULL,
    last_ts TIMESTAMPTZ NOT NULL,
    open DOUBLE,
    high DOUBLE,
    low DOUBLE,
    close DOUBLE,
    volume DOUBLE,
    usual DOUBLE, -- the price around a spike, or before a jump
    bars INTEGER,
    step_minutes INTEGER -- between bars that lie in a regular step
);

ALTER TABLE market.bar_imports ADD COLUMN reasons VARCHAR[]; -- behind the verdict
