-- The day bars of an instrument, in their order.
SELECT trading_day, open, high, low, close, volume
FROM market.bars_1d
WHERE instrument = $instrument
ORDER BY trading_day
