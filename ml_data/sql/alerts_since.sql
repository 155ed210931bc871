-- Which alerts were raised of what happened since $since, newest first?
SELECT alert_id, kind, instrument, subject, sentence, severity, happened_at, raised_at, withheld
FROM journal.ml_alerts
WHERE happened_at >= $since
ORDER BY happened_at DESC, alert_id
LIMIT $most
