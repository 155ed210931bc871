-- When did the opening ranges of these trading days break? A bar that starts at broke_at has closed a minute later.
SELECT trading_day, orb, broke_at + INTERVAL 1 MINUTE AS decided_at
FROM market.opening_ranges
WHERE instrument = $instrument AND trading_day BETWEEN $first AND $last AND broke_at IS NOT NULL AND NOT zero_size
ORDER BY decided_at, starts_at
