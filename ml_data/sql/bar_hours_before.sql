-- How full was each hour of an instrument's own contracts on the trading days since $since and before $before? In order.
SELECT trading_day, starts_at, bars, expected_bars, volume, zero_volume
FROM market.bar_hours
WHERE instrument = $instrument AND trading_day >= $since AND trading_day < $before
ORDER BY starts_at
