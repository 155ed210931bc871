-- These bars had other values before an import.
-- registered: incoming(contract VARCHAR, ts TIMESTAMPTZ, import_id VARCHAR)
INSERT INTO market.bar_revisions BY NAME SELECT $instrument AS instrument, * FROM incoming
