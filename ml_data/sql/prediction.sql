-- One prediction, with the features it was made from.
SELECT * FROM journal.ml_predictions WHERE prediction_id = $prediction_id
