-- Add how messages of alerts went.
-- registered: fresh(SELECT * FROM journal.ml_alert_deliveries)
INSERT INTO journal.ml_alert_deliveries BY NAME
SELECT * FROM fresh
