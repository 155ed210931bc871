-- The last close up to an instant and the first after it, of any contract of an instrument, no farther than $within.
SELECT ts, close
FROM (
    SELECT max(ts) AS ts, arg_max(close, ts) AS close
    FROM market.bars_1m
    WHERE instrument = $instrument AND ts BETWEEN $at::TIMESTAMPTZ - $within::INTERVAL AND $at::TIMESTAMPTZ
    UNION ALL
    SELECT min(ts), arg_min(close, ts)
    FROM market.bars_1m
    WHERE instrument = $instrument AND ts BETWEEN $at::TIMESTAMPTZ AND $at::TIMESTAMPTZ + $within::INTERVAL
)
WHERE ts IS NOT NULL
