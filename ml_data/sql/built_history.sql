-- How much history of an instrument is built, of what had happened by $until?
SELECT
    (SELECT count(*) FROM market.contract_days WHERE instrument = $instrument AND trading_day <= $last_day) AS days,
    (SELECT count(*) FROM market.opening_ranges WHERE instrument = $instrument AND ends_at <= $until AND bars > 0) AS ranges,
    (SELECT count(*) FROM market.orb_trades WHERE instrument = $instrument AND entered_at < $until) AS trades,
    (SELECT count(*) FROM market.bar_revisions WHERE instrument = $instrument AND ts < $until) AS revised,
    (SELECT count(*) FROM market.history_dirty WHERE instrument = $instrument) AS waiting,
    (SELECT min(built_through) FROM market.history_state WHERE instrument = $instrument) AS built_through,
    (SELECT min(definitions_hash) FROM market.history_state WHERE instrument = $instrument) AS definitions_hash
