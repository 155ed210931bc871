-- What was tried of a family, oldest first, with what it came to?
SELECT trials.*, coalesce(results.state, 'cut off') AS state, results.ended_at, results.fold_scores, results.sharpe,
       results.days, results.results, results.why
FROM journal.ml_trials AS trials
LEFT JOIN journal.ml_trial_results AS results USING (trial_id)
WHERE trials.family = $family
ORDER BY trials.started_at, trials.trial_id
