-- Add a retraining that begins.
INSERT INTO journal.ml_retrainings
    (retraining_id, instrument, model, started_at, by_whom, cause, because, champion, champion_through, level)
VALUES ($retraining_id, $instrument, $model, $started_at, $by_whom, $cause, $because, $champion, $champion_through, $level)
