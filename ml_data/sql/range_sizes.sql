-- How large were opening ranges, and where did they close?
SELECT trading_day, orb, size, close
FROM market.opening_ranges
WHERE instrument = $instrument AND trading_day BETWEEN $first AND $last
