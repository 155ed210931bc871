-- These day bars had other values before an import.
-- registered: incoming(instrument VARCHAR, trading_day DATE, import_id VARCHAR)
INSERT INTO market.day_bar_revisions BY NAME SELECT * FROM incoming
