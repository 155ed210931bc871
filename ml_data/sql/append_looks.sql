-- Add the looks in `fresh`: a monitor looks once a week (Monday to Sunday), so that its rate can be counted.
-- registered: fresh(SELECT * FROM journal.ml_drift)
INSERT INTO journal.ml_drift BY NAME
SELECT * FROM fresh
WHERE NOT EXISTS (
    SELECT 1 FROM journal.ml_drift AS known
    WHERE known.instrument = fresh.instrument AND known.model = fresh.model AND known.version = fresh.version
      AND known.monitor = fresh.monitor AND date_trunc('week', known.through) >= date_trunc('week', fresh.through)
)
