-- Which events was a model asked about with the same inputs, what did each input do to its answer, and what came of it,
-- as it stood at $known_by?
SELECT
    p.prediction_id, p.trading_day, p.orb, p.decided_at, p.version, p.features, p.reasons,
    o.state, o.actual, o.actual_values, o.r_net, o.known_at
FROM journal.ml_predictions AS p
LEFT JOIN (
    SELECT * FROM journal.ml_outcomes
    WHERE known_at <= $known_by
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
) AS o USING (prediction_id)
WHERE p.instrument = $instrument AND p.model = $model
  AND ($version::VARCHAR IS NULL OR p.version = $version)
  AND ($schema_hash::VARCHAR IS NULL OR p.schema_hash = $schema_hash)
  AND p.refusal_code IS NULL AND p.features IS NOT NULL AND p.reasons IS NOT NULL AND p.decided_at <= $known_by
ORDER BY p.decided_at, p.orb, p.version, p.prediction_id
