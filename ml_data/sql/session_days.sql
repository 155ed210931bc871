-- Of the minutes expected in each session of the last $days trading days that had ended by $until, how many have a bar?
SELECT trading_day, session, bars, expected_bars AS expected, (bars = 0)::INTEGER AS empty
FROM market.sessions
WHERE instrument = $instrument
  AND ends_at <= least($until, (SELECT min(built_through) FROM market.history_state WHERE instrument = $instrument))
  AND expected_bars > 0
QUALIFY dense_rank() OVER (ORDER BY trading_day DESC) <= $days
ORDER BY trading_day, session
