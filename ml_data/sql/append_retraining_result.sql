-- Add what became of a retraining; the first word counts.
INSERT INTO journal.ml_retraining_results
    (retraining_id, verdict, ended_at, candidate, opened, first_day, last_day, score, gain, low, high, least, n, days, why)
SELECT $retraining_id, $verdict, $ended_at, $candidate, $opened, $first_day, $last_day, $score, $gain, $low, $high,
       $least, $n, $days, $why
WHERE NOT EXISTS (SELECT 1 FROM journal.ml_retraining_results WHERE retraining_id = $retraining_id)
