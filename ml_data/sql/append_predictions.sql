-- Add the predictions in `fresh`, where each is once, that the journal does not hold yet.
-- registered: fresh(SELECT * FROM journal.ml_predictions)
INSERT INTO journal.ml_predictions BY NAME
SELECT * FROM fresh ANTI JOIN journal.ml_predictions USING (prediction_id)
RETURNING prediction_id
