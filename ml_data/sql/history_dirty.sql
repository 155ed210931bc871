-- Which spans of bars came in since history was built?
SELECT first_ts, last_ts, import_id FROM market.history_dirty WHERE instrument = $instrument ORDER BY ALL
