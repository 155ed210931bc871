-- Up to which decision moment did a model answer, or refuse, live in a role?
SELECT max(decided_at) FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model AND role = $role AND NOT coalesce(replayed, FALSE)
