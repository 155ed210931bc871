-- Which codes of the circuit breaker tripped, or were armed again, on the versions of an instrument since $since?
SELECT model, version, code, kind, sentence, happened_at, by_whom, why
FROM journal.ml_breaker
WHERE instrument = $instrument AND kind IN ('trip', 'rearm') AND happened_at >= $since
ORDER BY rowid
