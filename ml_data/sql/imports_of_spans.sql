-- How many imports brought bars into each of several spans, and when did the last of them?
SELECT spans.since, count(imports.import_id), max(imports.imported_at)
FROM (SELECT unnest($since::TIMESTAMPTZ[]) AS since, unnest($before::TIMESTAMPTZ[]) AS before) AS spans
LEFT JOIN market.bar_imports AS imports
    ON imports.instrument = $instrument AND imports.rows_stored + imports.rows_revised > 0
    AND imports.first_ts < spans.before AND imports.last_ts >= spans.since
GROUP BY spans.since ORDER BY spans.since
