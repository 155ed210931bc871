-- Add the orders in `fresh`: a forecast has at most one.
-- registered: fresh(SELECT * FROM journal.ml_paper_orders)
INSERT INTO journal.ml_paper_orders BY NAME
SELECT * FROM fresh ANTI JOIN journal.ml_paper_orders USING (prediction_id)
