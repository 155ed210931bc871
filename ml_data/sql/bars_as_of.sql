-- The bars of an instrument that start in [since, before), with the values they had at $known_at; in no order.
-- Bars that came in later are among them: an import keeps what it changed, not what it added.
SELECT
    bar.contract, bar.ts, coalesce(was.open, bar.open) AS open, coalesce(was.high, bar.high) AS high,
    coalesce(was.low, bar.low) AS low, coalesce(was.close, bar.close) AS close,
    coalesce(was.volume, bar.volume) AS volume
FROM market.bars_1m AS bar
LEFT JOIN (
    SELECT
        revision.contract, revision.ts,
        arg_min(
            {'open': old_open, 'high': old_high, 'low': old_low, 'close': old_close, 'volume': old_volume},
            revision.rowid
        ) AS was
    FROM market.bar_revisions AS revision
    SEMI JOIN (
        SELECT import_id FROM market.bar_imports WHERE instrument = $instrument AND imported_at > $known_at
    ) AS later USING (import_id)
    WHERE revision.instrument = $instrument AND revision.ts >= $since AND revision.ts < $before
    GROUP BY revision.contract, revision.ts
) AS earlier USING (contract, ts)
WHERE bar.instrument = $instrument AND bar.ts >= $since AND bar.ts < $before
