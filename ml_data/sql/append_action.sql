-- Note what the trader did about a prediction, unless the newest note of it says the same.
INSERT INTO journal.ml_actions BY NAME
WITH newest AS (
    SELECT action, why, revision FROM journal.ml_actions
    WHERE prediction_id = $prediction_id
    ORDER BY revision DESC NULLS LAST LIMIT 1
)
SELECT
    $prediction_id AS prediction_id, $action AS action, $why AS why, $acted_at AS acted_at, $by_whom AS by_whom,
    coalesce((SELECT revision FROM newest) + 1, 0)::INTEGER AS revision,
    EXISTS (SELECT 1 FROM journal.ml_outcomes WHERE prediction_id = $prediction_id) AS outcome_settled
WHERE NOT EXISTS (SELECT 1 FROM newest WHERE (action, why) IS NOT DISTINCT FROM ($action::VARCHAR, $why::VARCHAR))
