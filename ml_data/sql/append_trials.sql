-- Add the trials in `fresh` that the journal does not hold yet.
-- registered: fresh(SELECT * FROM journal.ml_trials)
INSERT INTO journal.ml_trials BY NAME
SELECT * FROM fresh ANTI JOIN journal.ml_trials USING (trial_id)
