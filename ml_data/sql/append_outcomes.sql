-- Add the outcomes in `fresh` that are new, or differ from the newest revision of the same prediction.
-- registered: fresh(SELECT * EXCLUDE (revision) FROM journal.ml_outcomes)
INSERT INTO journal.ml_outcomes BY NAME
SELECT fresh.*, coalesce(newest.revision + 1, 0)::INTEGER AS revision
FROM fresh
LEFT JOIN (
    SELECT * FROM journal.ml_outcomes
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
) AS newest USING (prediction_id)
WHERE newest.prediction_id IS NULL
   OR (newest.state, newest.actual, newest.correct, newest.r_net, newest.r_net_advised, newest.known_at,
       newest.void_reason, newest.actual_values)
      IS DISTINCT FROM
      (fresh.state, fresh.actual, fresh.correct, fresh.r_net, fresh.r_net_advised, fresh.known_at, fresh.void_reason,
       fresh.actual_values)
QUALIFY row_number() OVER (PARTITION BY fresh.prediction_id) = 1
RETURNING prediction_id
