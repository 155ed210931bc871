-- Up to which decision moment did a model answer, or refuse, live?
SELECT max(decided_at) FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model AND NOT coalesce(replayed, FALSE)
