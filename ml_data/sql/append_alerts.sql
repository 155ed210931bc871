-- Add the alerts in `fresh` that are not known yet.
-- registered: fresh(SELECT * FROM journal.ml_alerts)
INSERT INTO journal.ml_alerts BY NAME
SELECT * FROM fresh
WHERE NOT EXISTS (SELECT 1 FROM journal.ml_alerts AS known WHERE known.alert_id = fresh.alert_id)
