-- What came of the opening ranges that were complete from $since to $until, and of their trades by $rule?
SELECT
    r.trading_day, r.orb, r.ends_at, r.high, r.low, r.size, r.bars, r.expected_bars, r.broke_at, r.break_direction,
    t.entry, t.stop, t.target, t.exited_at, t.exit_price, t.result, t.r_net
FROM market.opening_ranges AS r
LEFT JOIN market.orb_trades AS t
    ON t.instrument = r.instrument AND t.trading_day = r.trading_day AND t.orb = r.orb AND t.rule = $rule
WHERE r.instrument = $instrument AND r.complete AND r.void_reason IS NULL AND r.ends_at BETWEEN $since AND $until
ORDER BY r.ends_at, r.orb
