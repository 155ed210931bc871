-- What the numbers of an answer are: the names of ml_predictions.quantiles, in its order (r_mean, r_q05, ...).

ALTER TABLE journal.ml_predictions ADD COLUMN outputs VARCHAR[];
