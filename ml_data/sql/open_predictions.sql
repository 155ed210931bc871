-- What was said by $known_by and has no outcome that was known by then, or one of those in $doubted?
SELECT p.* EXCLUDE (features, raw_score, reasons), o.prediction_id IS NULL AS waits
FROM journal.ml_predictions AS p
LEFT JOIN (SELECT DISTINCT prediction_id FROM journal.ml_outcomes WHERE known_at <= $known_by) AS o USING (prediction_id)
WHERE p.instrument = $instrument AND p.decided_at <= $known_by
  AND (o.prediction_id IS NULL OR list_contains($doubted::VARCHAR[], p.prediction_id))
ORDER BY p.decided_at, p.orb, p.version, p.prediction_id
