-- What did the monitors of a version find by $known_by, newest first?
SELECT monitor, through, state, subject, value, line, rate, sentence, looked_at
FROM journal.ml_drift
WHERE instrument = $instrument AND model = $model AND version = $version AND looked_at <= $known_by
ORDER BY through DESC, monitor
