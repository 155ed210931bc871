-- Which bars of an instrument have other values now than they had at $made_at, and which import changed them last?
SELECT
    revision.contract, revision.ts,
    first(revision.old_open ORDER BY import.imported_at, revision.rowid) AS old_open,
    first(revision.old_high ORDER BY import.imported_at, revision.rowid) AS old_high,
    first(revision.old_low ORDER BY import.imported_at, revision.rowid) AS old_low,
    first(revision.old_close ORDER BY import.imported_at, revision.rowid) AS old_close,
    first(revision.old_volume ORDER BY import.imported_at, revision.rowid) AS old_volume,
    last(revision.new_open ORDER BY import.imported_at, revision.rowid) AS new_open,
    last(revision.new_high ORDER BY import.imported_at, revision.rowid) AS new_high,
    last(revision.new_low ORDER BY import.imported_at, revision.rowid) AS new_low,
    last(revision.new_close ORDER BY import.imported_at, revision.rowid) AS new_close,
    last(revision.new_volume ORDER BY import.imported_at, revision.rowid) AS new_volume,
    last(import.import_id ORDER BY import.imported_at, revision.rowid) AS import_id,
    last(import.file_name ORDER BY import.imported_at, revision.rowid) AS file_name,
    last(import.imported_at ORDER BY import.imported_at, revision.rowid) AS imported_at
FROM market.bar_revisions AS revision
JOIN market.bar_imports AS import USING (import_id)
WHERE revision.instrument = $instrument AND import.imported_at > $made_at
GROUP BY revision.contract, revision.ts
HAVING (old_open, old_high, old_low, old_close, old_volume)
    IS DISTINCT FROM (new_open, new_high, new_low, new_close, new_volume)
ORDER BY revision.ts, revision.contract
