-- Which bars of an instrument's own contracts can hardly be true, as it was known by $until? In order.
SELECT trading_day, contract, kind, ts, last_ts, open, high, low, close, volume, usual, bars, step_minutes
FROM market.bar_doubts
WHERE instrument = $instrument AND last_ts < $until
ORDER BY ts
