-- How many bars of an instrument start before $before, of how many contracts, and when do the first and last start?
SELECT count(*) AS bars, count(DISTINCT contract) AS contracts, min(ts) AS first_ts, max(ts) AS last_ts
FROM market.bars_1m
WHERE instrument = $instrument AND ts < $before
