-- With which inputs was one version asked, and what did it say?
SELECT trading_day, decided_at, schema_hash, features, reasons, coalesce(prob_up, prob_win, expected_r) AS chance
FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model AND version = $version AND trading_day BETWEEN $first AND $last
  AND decided_at <= $known_by AND refusal_code IS NULL
ORDER BY decided_at, orb, prediction_id
