-- Which bars of an instrument that start before $before did a later file change? Newest first, $most at the most.
SELECT
    revisions.ts, revisions.contract, revisions.old_close, revisions.new_close, revisions.old_volume,
    revisions.new_volume, imports.file_name
FROM market.bar_revisions AS revisions
LEFT JOIN market.bar_imports AS imports USING (import_id)
WHERE revisions.instrument = $instrument AND revisions.ts < $before
ORDER BY revisions.ts DESC
LIMIT $most
