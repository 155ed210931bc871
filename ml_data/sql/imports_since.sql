-- Which imports since $made_at brought new bars into a span that meets [since, before)? The first of them first.
SELECT import_id, file_name, imported_at, rows_stored, first_ts, last_ts
FROM market.bar_imports
WHERE instrument = $instrument AND imported_at > $made_at AND stored_in = 'bars_1m' AND rows_stored > 0
    AND first_ts < $before AND last_ts >= $since
ORDER BY imported_at, first_ts
