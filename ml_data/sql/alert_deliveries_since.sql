-- How did the messages of alerts go since $since, in the order in which it was written?
SELECT alert_id, channel, attempt, state, error, logged_at
FROM journal.ml_alert_deliveries
WHERE logged_at >= $since
ORDER BY rowid
