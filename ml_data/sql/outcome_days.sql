-- How many events of a model, on each trading day after $after, had an outcome by $known_by?
SELECT trading_day, count(DISTINCT orb) AS events
FROM journal.ml_predictions
JOIN journal.ml_outcomes USING (prediction_id)
WHERE model = $model AND trading_day > $after AND state = 'matured' AND settled_at <= $known_by
GROUP BY trading_day
ORDER BY trading_day
