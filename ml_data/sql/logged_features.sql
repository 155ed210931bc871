-- With which inputs were predictions logged, of which events, from which bars?
SELECT
    prediction_id, instrument, kind, trading_day, orb, decided_at, contract, model, version, replayed, features,
    schema_hash, data_hash, logged_at, definitions_hash
FROM journal.ml_predictions
WHERE instrument = $instrument
  AND ($model::VARCHAR IS NULL OR model = $model)
  AND trading_day >= $since
ORDER BY decided_at, orb, model, version, prediction_id
