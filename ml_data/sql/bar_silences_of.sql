-- Where were an instrument's own contracts silent, after the first stored bar and before $until? In order.
SELECT trading_day, contract, starts_at, ends_at, minutes, at_edge, holiday
FROM market.bar_silences
WHERE
    instrument = $instrument
    AND starts_at > (SELECT min(ts) FROM market.bars_1m WHERE instrument = $instrument)
    AND ends_at <= $until
ORDER BY starts_at
