-- These rows of imported files were not stored.
-- registered: incoming(import_id VARCHAR, row_number BIGINT, reason VARCHAR, raw VARCHAR)
INSERT INTO market.bar_rejects BY NAME SELECT * FROM incoming
