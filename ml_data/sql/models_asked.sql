-- Which models have said something of an instrument by $known_by?
SELECT model FROM journal.ml_predictions
WHERE instrument = $instrument AND decided_at <= $known_by
GROUP BY model ORDER BY model
