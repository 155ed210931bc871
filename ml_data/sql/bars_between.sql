-- The bars of an instrument that start in [since, before), in no order: who needs one sorts by contract, which is cheap.
SELECT contract, ts, open, high, low, close, volume
FROM market.bars_1m
WHERE instrument = $instrument AND ts >= $since AND ts < $before
