-- Day bars that changed, and series that many instruments share, each value with the instant from which it is known.

CREATE TABLE market.day_bar_revisions (
    instrument VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
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

CREATE TABLE market.series_1d (
    series VARCHAR NOT NULL,
    day DATE NOT NULL, -- the day that the value is of
    known_at TIMESTAMPTZ NOT NULL, -- from then on it is known; a later, changed value is a row of its own
    value DOUBLE NOT NULL,
    import_id VARCHAR NOT NULL
);

ALTER TABLE market.bar_imports ADD COLUMN stored_in VARCHAR DEFAULT 'bars_1m'; -- bars_1m, bars_1d or series_1d
