-- What the trader noted: the newest revision of a prediction counts, and taking a note back is a row of its own.

ALTER TABLE journal.ml_actions ADD COLUMN revision INTEGER; -- 0, 1, ... of a prediction
ALTER TABLE journal.ml_actions ADD COLUMN by_whom VARCHAR;
ALTER TABLE journal.ml_actions ADD COLUMN outcome_settled BOOLEAN; -- the journal held the outcome when this was noted
