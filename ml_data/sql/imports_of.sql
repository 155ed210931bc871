-- Which files were imported for an instrument? Newest bars first. What a program brought (a feed brings bars every
-- minute, without a file and its hash) is one row a day.
SELECT
    max(imported_at) AS imported_at, file_name, format, time_zone,
    sum(rows_read)::BIGINT AS rows_read, sum(rows_stored)::BIGINT AS rows_stored,
    sum(rows_unchanged)::BIGINT AS rows_unchanged, sum(rows_revised)::BIGINT AS rows_revised,
    sum(rows_rejected)::BIGINT AS rows_rejected, sum(bars_dropped)::BIGINT AS bars_dropped,
    max(contracts) AS contracts, min(first_ts) AS first_ts, max(last_ts) AS last_ts, max(verdict) AS verdict,
    array_to_string(list_sort(list_distinct(flatten(list(reasons)))), '; ') AS reasons
FROM market.bar_imports
WHERE instrument = $instrument
GROUP BY file_name, format, time_zone,
    CASE WHEN sha256 = '' THEN date_trunc('day', imported_at) ELSE imported_at END,
    CASE WHEN sha256 = '' THEN '' ELSE import_id END
ORDER BY max(imported_at) DESC, max(last_ts) DESC
