-- What were the rows of `wanted` asked with, and what did each input do to the answer?
-- registered: wanted(prediction_id VARCHAR)
SELECT p.prediction_id, p.features, p.reasons, p.raw_score
FROM journal.ml_predictions AS p JOIN wanted USING (prediction_id)
