-- Which bars of an instrument start in [first_ts, last_ts]?
SELECT contract, ts, open, high, low, close, volume
FROM market.bars_1m
WHERE instrument = $instrument AND ts >= $first_ts AND ts <= $last_ts
