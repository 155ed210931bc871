-- The bars of an instrument that start in [since, before), contract by contract.
SELECT contract, ts, open, high, low, close, volume
FROM market.bars_1m
WHERE instrument = $instrument AND ts >= $since AND ts < $before
ORDER BY contract, ts
