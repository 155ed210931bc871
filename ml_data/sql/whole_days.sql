-- Which trading days after $after have an opening range, and are followed by another day with one?
SELECT DISTINCT trading_day
FROM market.opening_ranges
WHERE instrument = $instrument AND complete AND trading_day > $after
  AND trading_day < (SELECT max(trading_day) FROM market.opening_ranges WHERE instrument = $instrument AND complete)
ORDER BY trading_day
