-- Which bars of an instrument have other values now than they had at $made_at or at a later instant, from when until when
-- were those seen (NULL: from $made_at on), and which import changed them last? Rows are only ever added to
-- bar_revisions, so that their order is that of the changes.
WITH later AS (
    SELECT revision.*, revision.rowid AS place, import.file_name, import.imported_at
    FROM market.bar_revisions AS revision
    JOIN market.bar_imports AS import USING (import_id)
    WHERE revision.instrument = $instrument AND import.instrument = $instrument AND import.imported_at > $made_at
),
changed AS (
    SELECT
        contract, ts, old_open, old_high, old_low, old_close, old_volume,
        max(imported_at) OVER before AS seen_from, imported_at AS seen_until,
        last_value({
            'new_open': new_open, 'new_high': new_high, 'new_low': new_low, 'new_close': new_close,
            'new_volume': new_volume, 'import_id': import_id, 'file_name': file_name, 'imported_at': imported_at
        }) OVER every AS became
    FROM later
    WINDOW
        every AS (
            PARTITION BY contract, ts ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        before AS (PARTITION BY contract, ts ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT * EXCLUDE (became), unnest(became)
FROM changed
WHERE (seen_from IS NULL OR seen_from < seen_until)
    AND (old_open, old_high, old_low, old_close, old_volume) IS DISTINCT FROM
        (became.new_open, became.new_high, became.new_low, became.new_close, became.new_volume)
ORDER BY ts, contract, seen_until
