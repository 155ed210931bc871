-- Answers to other questions than the direction: which question and rule, what was said, and the baselines beside it.
-- Rows from before have no label and are about the direction.

ALTER TABLE journal.ml_predictions ADD COLUMN label VARCHAR;
ALTER TABLE journal.ml_predictions ADD COLUMN rule VARCHAR; -- the trade rule that the question is about
ALTER TABLE journal.ml_predictions ADD COLUMN prob_win DOUBLE;
ALTER TABLE journal.ml_predictions ADD COLUMN prob_miss DOUBLE;
ALTER TABLE journal.ml_predictions ADD COLUMN expected_r DOUBLE; -- net R
ALTER TABLE journal.ml_predictions ADD COLUMN quantiles DOUBLE[]; -- in the order of the version's schema
ALTER TABLE journal.ml_predictions ADD COLUMN interval_low DOUBLE;
ALTER TABLE journal.ml_predictions ADD COLUMN interval_high DOUBLE;
ALTER TABLE journal.ml_predictions ADD COLUMN advised_size DOUBLE; -- share of the rule's size, 0 to 1
ALTER TABLE journal.ml_predictions ADD COLUMN base_value DOUBLE; -- what the version says without looking
ALTER TABLE journal.ml_predictions ADD COLUMN baselines DOUBLE[]; -- what was said without any learning, by label
ALTER TABLE journal.ml_outcomes ADD COLUMN actual_values DOUBLE[];
