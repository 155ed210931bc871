-- Which trades of the opening ranges' breaks had closed by $until, what did they earn, and how large was the range?
SELECT
    t.trading_day, t.orb, t.rule, t.direction, isodow(t.trading_day)::TINYINT AS weekday,
    r.size, r.contract, t.result = 'win' AS won, t.r_gross, t.r_net, t.costs_r
FROM market.orb_trades AS t
JOIN market.opening_ranges AS r USING (instrument, trading_day, orb)
WHERE t.instrument = $instrument
  AND t.result <> 'void' AND t.r_net IS NOT NULL AND t.exited_at <= $until
  AND ($rule::VARCHAR IS NULL OR t.rule = $rule)
  AND ($orb::VARCHAR IS NULL OR t.orb = $orb)
  AND ($direction::VARCHAR IS NULL OR t.direction = $direction)
  AND ($weekday::INTEGER IS NULL OR isodow(t.trading_day) = $weekday)
  AND ($days::INTEGER IS NULL OR t.trading_day > (
      SELECT max(trading_day) FROM market.orb_trades WHERE instrument = $instrument AND exited_at <= $until
  ) - $days)
ORDER BY t.trading_day, t.orb, t.rule
