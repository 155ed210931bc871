-- Which other instrument has these very day bars, and on how many of the days? The one with the most first.
-- registered: incoming(trading_day DATE, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE)
SELECT stored.instrument, count(*) AS days
FROM market.bars_1d AS stored
JOIN incoming USING (trading_day, open, high, low, close, volume)
WHERE stored.instrument <> $instrument AND incoming.volume > 0
GROUP BY stored.instrument
ORDER BY days DESC, stored.instrument
LIMIT 1
