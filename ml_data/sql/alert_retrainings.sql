-- What became of the retrainings of an instrument's models that ended since $since?
SELECT retraining_id, model, verdict, ended_at, candidate, why
FROM journal.ml_retrainings
JOIN journal.ml_retraining_results USING (retraining_id)
WHERE instrument = $instrument AND ended_at >= $since
ORDER BY ended_at, retraining_id
