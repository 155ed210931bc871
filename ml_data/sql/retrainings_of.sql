-- What retrainings of a model had begun by $known_by (NULL: all), oldest first, and what had become of each by then?
SELECT retraining_id, instrument, model, started_at, cause, because, champion, champion_through, level,
       verdict, ended_at, candidate, opened, first_day, last_day, score, gain, low, high, least, n, days, why
FROM journal.ml_retrainings
LEFT JOIN (
    SELECT * FROM journal.ml_retraining_results WHERE $known_by IS NULL OR ended_at <= $known_by
) AS results USING (retraining_id)
WHERE model = $model AND ($known_by IS NULL OR started_at <= $known_by)
ORDER BY started_at, retraining_id
