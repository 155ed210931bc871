-- Bars as they came in, and the history that is built from them.
-- No primary keys and no indexes: a key is kept unique by deleting its range and inserting it again in one transaction.
-- Times are instants in UTC, prices are in the instrument's currency, R is the distance from entry to stop.

CREATE TABLE market.bars_1m (
    instrument VARCHAR NOT NULL,
    contract VARCHAR NOT NULL, -- the symbol where there are no contracts
    ts TIMESTAMPTZ NOT NULL, -- start of the minute
    open DOUBLE NOT NULL,
    high DOUBLE NOT NULL,
    low DOUBLE NOT NULL,
    close DOUBLE NOT NULL,
    volume DOUBLE
);

CREATE TABLE market.bars_1d (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    open DOUBLE,
    high DOUBLE,
    low DOUBLE,
    close DOUBLE,
    volume DOUBLE
);

CREATE TABLE market.bar_imports (
    import_id VARCHAR NOT NULL,
    instrument VARCHAR NOT NULL,
    file_name VARCHAR,
    sha256 VARCHAR,
    format VARCHAR,
    time_zone VARCHAR,
    rows_read BIGINT,
    rows_stored BIGINT,
    rows_rejected BIGINT,
    rows_unchanged BIGINT,
    rows_revised BIGINT,
    first_ts TIMESTAMPTZ,
    last_ts TIMESTAMPTZ,
    imported_at TIMESTAMPTZ,
    bars_dropped BIGINT, -- spreads and other symbols that are not outright contracts
    contracts INTEGER,
    verdict VARCHAR
);

CREATE TABLE market.bar_rejects (
    import_id VARCHAR NOT NULL,
    row_number BIGINT NOT NULL, -- record of the source file, counted from 1
    reason VARCHAR,
    raw VARCHAR
);

CREATE TABLE market.bar_revisions (
    instrument VARCHAR NOT NULL,
    contract VARCHAR NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    import_id VARCHAR NOT NULL,
    old_open DOUBLE,
    old_high DOUBLE,
    old_low DOUBLE,
    old_close DOUBLE,
    old_volume DOUBLE,
    new_open DOUBLE,
    new_high DOUBLE,
    new_low DOUBLE,
    new_close DOUBLE,
    new_volume DOUBLE
);

CREATE TABLE market.contract_days (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    contract VARCHAR NOT NULL,
    reason VARCHAR,
    rolled BOOLEAN,
    volume_share DOUBLE -- of the previous trading day, 0 to 1
);

CREATE TABLE market.sessions (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    session VARCHAR NOT NULL,
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ,
    open DOUBLE,
    high DOUBLE,
    low DOUBLE,
    close DOUBLE,
    volume DOUBLE,
    range DOUBLE,
    bars INTEGER,
    expected_bars INTEGER,
    complete BOOLEAN
);

CREATE TABLE market.opening_ranges (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    orb VARCHAR NOT NULL,
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ,
    open DOUBLE,
    high DOUBLE,
    low DOUBLE,
    size DOUBLE,
    close DOUBLE,
    volume DOUBLE,
    bars INTEGER,
    complete BOOLEAN,
    void_reason VARCHAR,
    break_direction VARCHAR, -- UP, DOWN or NONE
    broke_at TIMESTAMPTZ,
    break_close DOUBLE,
    expected_bars INTEGER,
    zero_size BOOLEAN,
    contract VARCHAR
);

CREATE TABLE market.orb_trades (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    orb VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    direction VARCHAR,
    entered_at TIMESTAMPTZ,
    entry DOUBLE,
    stop DOUBLE,
    target DOUBLE,
    exited_at TIMESTAMPTZ,
    exit_price DOUBLE,
    result VARCHAR, -- win, loss, expired or void
    r_gross DOUBLE,
    r_net DOUBLE,
    mae_r DOUBLE,
    mfe_r DOUBLE,
    ambiguous BOOLEAN, -- stop and target in one bar: booked as a loss
    void_reason VARCHAR,
    costs_r DOUBLE
);

-- Spans of bars that came in since the history was built: it must be rebuilt for them.
CREATE TABLE market.history_dirty (
    instrument VARCHAR NOT NULL,
    first_ts TIMESTAMPTZ NOT NULL,
    last_ts TIMESTAMPTZ NOT NULL,
    import_id VARCHAR
);

CREATE TABLE market.history_state (
    instrument VARCHAR NOT NULL,
    built_through TIMESTAMPTZ,
    definitions_hash VARCHAR
);
