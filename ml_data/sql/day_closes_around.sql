-- The close of an instrument's stored bars nearest to a day, at most a month away: of its day bars, else of minutes.
SELECT close
FROM (
    SELECT close, abs(date_diff('day', trading_day, $day::DATE)) AS away, 0 AS rank
    FROM market.bars_1d
    WHERE instrument = $instrument AND trading_day BETWEEN $day::DATE - 31 AND $day::DATE + 31
    UNION ALL
    SELECT before, 0, 1
    FROM (
        SELECT arg_max(close, ts) AS before
        FROM market.bars_1m
        WHERE instrument = $instrument AND ts BETWEEN $day::DATE - INTERVAL 31 DAY AND $day::DATE + INTERVAL 1 DAY
    )
    WHERE before IS NOT NULL
)
ORDER BY rank, away
LIMIT 1
