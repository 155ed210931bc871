-- When did a monitor raise an alarm about a version, or the breaker trip by what another version could mend, by $known_by?
-- Oldest first. A trip may rest on the outcomes of the trading day that had begun by then, so the day after its date counts.
SELECT monitor, looked_at AS raised_at, through
FROM journal.ml_drift
WHERE model = $model AND version = $version AND state = 'alarm' AND looked_at <= $known_by
UNION ALL
SELECT code, happened_at, CAST(happened_at AS DATE) + 1
FROM journal.ml_breaker
WHERE model = $model AND version = $version AND kind = 'trip' AND happened_at <= $known_by
  AND code IN ('expired_model', 'calibration_lost', 'error_change_point', 'drawdown')
ORDER BY raised_at, monitor
