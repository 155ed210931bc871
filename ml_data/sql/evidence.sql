-- What one version had said by $at, with today's word on the outcomes that were settled by then?
SELECT
    p.* EXCLUDE (features, raw_score, reasons),
    coalesce(o.state, 'pending') AS state, o.revision, o.actual, o.correct, o.r_net, o.r_net_advised, o.known_at,
    o.void_reason, o.settled_at, o.actual_values
FROM journal.ml_predictions AS p
LEFT JOIN (
    SELECT * EXCLUDE (first_settled)
    FROM (SELECT *, min(settled_at) OVER (PARTITION BY prediction_id) AS first_settled FROM journal.ml_outcomes)
    WHERE first_settled <= $at
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
) AS o USING (prediction_id)
WHERE p.instrument = $instrument AND p.model = $model AND p.version = $version AND p.decided_at <= $at
  AND coalesce(p.logged_at, p.decided_at) <= $at
ORDER BY p.decided_at, p.orb, p.prediction_id
