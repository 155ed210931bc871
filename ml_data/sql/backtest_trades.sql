-- The closed trades of one rule in some trading days, in the order in which they closed.
SELECT trading_day, orb, direction, r_gross, r_net, result, ambiguous, exited_at
FROM market.orb_trades
WHERE instrument = $instrument AND rule = $rule
  AND trading_day BETWEEN $first AND $last
  AND ($orb::VARCHAR IS NULL OR orb = $orb)
  AND ($direction::VARCHAR IS NULL OR direction = $direction)
  AND ($weekday::INTEGER IS NULL OR isodow(trading_day) = $weekday)
  AND result IN ('win', 'loss', 'expired')
ORDER BY exited_at, trading_day, orb
