-- From which bars, of which contract, is what is built of the trading days $first to $last?
-- NULL as the end: to the end of the trading day. A row is a range until it breaks, a trade until it is closed.
SELECT 'sessions' AS built, s.trading_day, s.session AS name, s.starts_at, s.ends_at, d.contract
FROM market.sessions AS s
JOIN market.contract_days AS d USING (instrument, trading_day)
WHERE s.instrument = $instrument AND s.trading_day BETWEEN $first AND $last
UNION ALL
SELECT 'opening_ranges', r.trading_day, r.orb, r.starts_at, r.broke_at + INTERVAL 1 MINUTE, r.contract
FROM market.opening_ranges AS r
WHERE r.instrument = $instrument AND r.trading_day BETWEEN $first AND $last
UNION ALL
SELECT 'orb_trades', t.trading_day, t.orb || ' ' || t.rule, r.starts_at, t.exited_at + INTERVAL 1 MINUTE, r.contract
FROM market.orb_trades AS t
JOIN market.opening_ranges AS r USING (instrument, trading_day, orb)
WHERE t.instrument = $instrument AND t.trading_day BETWEEN $first AND $last
ORDER BY ALL
