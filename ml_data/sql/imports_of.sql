-- Which files were imported for an instrument? Newest bars first.
SELECT
    imported_at, file_name, format, time_zone, rows_read, rows_stored, rows_unchanged, rows_revised, rows_rejected,
    bars_dropped, contracts, first_ts, last_ts, verdict
FROM market.bar_imports
WHERE instrument = $instrument
ORDER BY imported_at DESC, last_ts DESC
