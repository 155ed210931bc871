-- Which snapshots were exported of an instrument, and when last?
SELECT recipe, data_hash, any_value(last_day) AS last_day, any_value(events) AS events, max(made_at) AS made_at
FROM market.snapshots
WHERE instrument = $instrument
GROUP BY recipe, data_hash
ORDER BY made_at, data_hash
