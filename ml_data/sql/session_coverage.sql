-- Of the minutes expected in each month's sessions that had ended by $until and by the last bar, how many have a bar?
SELECT
    date_trunc('month', trading_day)::DATE AS month, session,
    sum(bars)::BIGINT AS bars, sum(expected_bars)::BIGINT AS expected,
    count(*) FILTER (expected_bars > 0) AS sessions, count(*) FILTER (expected_bars > 0 AND bars = 0) AS empty
FROM market.sessions
WHERE instrument = $instrument
  AND ends_at <= least($until, (SELECT min(built_through) FROM market.history_state WHERE instrument = $instrument))
GROUP BY ALL
ORDER BY month, session
