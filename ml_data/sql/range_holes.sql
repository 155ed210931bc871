-- Which opening ranges that had ended by $until and by the last bar are void, or lack minutes? Newest first.
SELECT trading_day, orb, starts_at, ends_at, bars, expected_bars, void_reason, contract
FROM market.opening_ranges
WHERE instrument = $instrument
  AND ends_at <= least($until, (SELECT min(built_through) FROM market.history_state WHERE instrument = $instrument))
  AND (void_reason IS NOT NULL OR bars < expected_bars)
ORDER BY ends_at DESC
