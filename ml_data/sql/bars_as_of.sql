-- The bars of an instrument that start in [since, before), with the values they had at $known_at; in no order.
-- Bars that came in later are among them: an import keeps what it changed, not what it added.
SELECT
    bar.contract, bar.ts, coalesce(earlier.open, bar.open) AS open, coalesce(earlier.high, bar.high) AS high,
    coalesce(earlier.low, bar.low) AS low, coalesce(earlier.close, bar.close) AS close,
    coalesce(earlier.volume, bar.volume) AS volume
FROM market.bars_1m AS bar
LEFT JOIN (
    SELECT
        revision.contract, revision.ts,
        first(revision.old_open ORDER BY import.imported_at, revision.rowid) AS open,
        first(revision.old_high ORDER BY import.imported_at, revision.rowid) AS high,
        first(revision.old_low ORDER BY import.imported_at, revision.rowid) AS low,
        first(revision.old_close ORDER BY import.imported_at, revision.rowid) AS close,
        first(revision.old_volume ORDER BY import.imported_at, revision.rowid) AS volume
    FROM market.bar_revisions AS revision
    JOIN market.bar_imports AS import USING (import_id)
    WHERE revision.instrument = $instrument AND revision.ts >= $since AND revision.ts < $before
        AND import.imported_at > $known_at
    GROUP BY revision.contract, revision.ts
) AS earlier USING (contract, ts)
WHERE bar.instrument = $instrument AND bar.ts >= $since AND bar.ts < $before
