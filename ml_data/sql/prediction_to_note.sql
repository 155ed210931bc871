-- When was a prediction decided, was it refused, and what was noted of it last?
SELECT
    decided_at, refusal_code,
    (SELECT action FROM journal.ml_actions WHERE prediction_id = $prediction_id ORDER BY revision DESC NULLS LAST LIMIT 1)
FROM journal.ml_predictions WHERE prediction_id = $prediction_id
