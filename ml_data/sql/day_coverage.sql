-- The trading days that have a day bar, one row an instrument; imported files of it, rows rejected and revised.
SELECT instrument, list(trading_day ORDER BY trading_day) AS days
FROM market.bars_1d
GROUP BY instrument
ORDER BY instrument
