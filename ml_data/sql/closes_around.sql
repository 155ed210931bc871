-- The last close before an instant and the first after it, of any contract of an instrument, within a month.
SELECT
    arg_max(close, ts) FILTER (ts <= $at) AS before,
    arg_min(close, ts) FILTER (ts >= $at) AS after
FROM market.bars_1m
WHERE
    instrument = $instrument
    AND ts BETWEEN $at::TIMESTAMPTZ - INTERVAL 31 DAY AND $at::TIMESTAMPTZ + INTERVAL 31 DAY
