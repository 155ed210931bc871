-- How full is each hour of an instrument's own contracts that had ended by $until? In order.
SELECT trading_day, starts_at, bars, expected_bars, volume, zero_volume
FROM market.bar_hours
WHERE instrument = $instrument AND starts_at < $until
ORDER BY starts_at
