-- Add the predictions in `fresh` that the journal does not hold yet, each once.
-- registered: fresh(SELECT * FROM journal.ml_predictions)
INSERT INTO journal.ml_predictions BY NAME
SELECT * FROM fresh
WHERE prediction_id NOT IN (SELECT prediction_id FROM journal.ml_predictions)
QUALIFY row_number() OVER (PARTITION BY prediction_id) = 1
