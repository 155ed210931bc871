-- What was said, and what came of it, as it stood at $known_by?
SELECT
    p.* EXCLUDE (features, raw_score, reasons),
    coalesce(o.state, 'pending') AS state, o.revision, o.actual, o.correct, o.r_net, o.r_net_advised, o.known_at,
    o.void_reason, o.settled_at, o.actual_values,
    o.definitions_hash AS settled_with
FROM journal.ml_predictions AS p
LEFT JOIN (
    SELECT * FROM journal.ml_outcomes
    WHERE known_at <= $known_by
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
) AS o USING (prediction_id)
WHERE ($instrument::VARCHAR IS NULL OR p.instrument = $instrument)
  AND ($model::VARCHAR IS NULL OR p.model = $model)
  AND ($version::VARCHAR IS NULL OR p.version = $version)
  AND p.trading_day BETWEEN $first AND $last
  AND p.decided_at <= $known_by
ORDER BY p.decided_at, p.orb, p.version, p.prediction_id
