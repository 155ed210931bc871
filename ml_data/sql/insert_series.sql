-- These values of series are stored.
-- registered: incoming(series VARCHAR, day DATE, known_at TIMESTAMPTZ, value DOUBLE, import_id VARCHAR)
INSERT INTO market.series_1d BY NAME SELECT * FROM incoming
