-- How did the newest live forecasts of a version after $after end, newest first? What came too late is not one.
SELECT decided_at, orb, refusal_code
FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model AND version = $version AND NOT coalesce(replayed, FALSE)
  AND decided_at > $after AND decided_at <= $known_by AND refusal_code IS DISTINCT FROM 'missed'
ORDER BY decided_at DESC, orb DESC
LIMIT $count
