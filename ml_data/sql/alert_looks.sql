-- What did the monitors find of the versions of an instrument since $since, in the order in which they looked?
SELECT model, version, monitor, through, state, sentence, looked_at
FROM journal.ml_drift
WHERE instrument = $instrument AND looked_at >= $since
ORDER BY looked_at, model, version, monitor
