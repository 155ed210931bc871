-- How many of the messages in `fresh` has another process claimed already?
-- registered: fresh(SELECT * FROM journal.ml_alert_deliveries)
SELECT count(*)
FROM fresh
JOIN journal.ml_alert_deliveries AS known USING (alert_id, channel)
WHERE fresh.alert_id <> 'test' AND (known.attempt >= fresh.attempt OR known.state = 'sent')
