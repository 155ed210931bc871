-- Add what the trials in `fresh` came to, once each.
-- registered: fresh(SELECT * FROM journal.ml_trial_results)
INSERT INTO journal.ml_trial_results BY NAME
SELECT * FROM fresh ANTI JOIN journal.ml_trial_results USING (trial_id)
