-- These files were imported.
-- registered: incoming(import_id VARCHAR, file_name VARCHAR, sha256 VARCHAR, imported_at TIMESTAMPTZ)
INSERT INTO market.bar_imports BY NAME SELECT * FROM incoming
