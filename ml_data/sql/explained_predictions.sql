-- Of which events did a model say why, with which inputs, and what did each input do to its answer?
SELECT prediction_id, trading_day, orb, decided_at, version, features, reasons
FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model
  AND ($version::VARCHAR IS NULL OR version = $version)
  AND refusal_code IS NULL AND features IS NOT NULL AND reasons IS NOT NULL AND decided_at <= $known_by
ORDER BY decided_at, orb, version, prediction_id
