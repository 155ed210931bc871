-- When did the monitors of a version raise an alarm by $known_by, oldest first?
SELECT monitor, looked_at, through
FROM journal.ml_drift
WHERE model = $model AND version = $version AND state = 'alarm' AND looked_at <= $known_by
ORDER BY looked_at, monitor
