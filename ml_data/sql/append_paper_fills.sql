-- Add the fills in `fresh`: one an order and revision of its outcome.
-- registered: fresh(SELECT * FROM journal.ml_paper_fills)
INSERT INTO journal.ml_paper_fills BY NAME
SELECT * FROM fresh ANTI JOIN journal.ml_paper_fills USING (prediction_id, revision)
