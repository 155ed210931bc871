-- What did the breaker do about the versions of a model, in the order in which it was written?
SELECT instrument, model, version, code, kind, subject, value, line, sentence, happened_at, by_whom, why
FROM journal.ml_breaker
WHERE model = $model
ORDER BY rowid
