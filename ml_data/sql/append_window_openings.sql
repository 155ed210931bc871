-- Add the looks at a last window in `fresh`, once a trial.
-- registered: fresh(SELECT * FROM journal.ml_window_openings)
INSERT INTO journal.ml_window_openings BY NAME
SELECT * FROM fresh ANTI JOIN journal.ml_window_openings USING (trial_id)
