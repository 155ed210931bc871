-- Bars of these spans are new or changed: history must be built for them.
-- registered: incoming(first_ts TIMESTAMPTZ, last_ts TIMESTAMPTZ, import_id VARCHAR)
INSERT INTO market.history_dirty BY NAME SELECT $instrument AS instrument, * FROM incoming
