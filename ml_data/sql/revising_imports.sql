-- When did imports change bars of an instrument?
SELECT DISTINCT imported_at FROM market.bar_imports WHERE instrument = $instrument AND stored_in = 'bars_1m' AND rows_revised > 0 ORDER BY imported_at
