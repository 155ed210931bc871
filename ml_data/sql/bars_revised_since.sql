-- Which bars of an instrument have other values now than they had at $made_at, and which import changed them last?
-- Rows are only ever added to bar_revisions, so that their order is that of the changes.
WITH changed AS (
    SELECT
        revision.contract, revision.ts,
        arg_min(
            {
                'old_open': old_open, 'old_high': old_high, 'old_low': old_low, 'old_close': old_close,
                'old_volume': old_volume
            },
            revision.rowid
        ) AS was,
        arg_max(
            {
                'new_open': new_open, 'new_high': new_high, 'new_low': new_low, 'new_close': new_close,
                'new_volume': new_volume, 'import_id': import_id
            },
            revision.rowid
        ) AS became
    FROM market.bar_revisions AS revision
    SEMI JOIN (
        SELECT import_id FROM market.bar_imports WHERE instrument = $instrument AND imported_at > $made_at
    ) AS later USING (import_id)
    WHERE revision.instrument = $instrument
    GROUP BY revision.contract, revision.ts
)
SELECT changed.contract, changed.ts, unnest(was), unnest(became), import.file_name, import.imported_at
FROM changed
JOIN market.bar_imports AS import ON import.import_id = became.import_id
WHERE (was.old_open, was.old_high, was.old_low, was.old_close, was.old_volume) IS DISTINCT FROM
    (became.new_open, became.new_high, became.new_low, became.new_close, became.new_volume)
ORDER BY changed.ts, changed.contract
