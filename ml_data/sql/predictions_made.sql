-- Which predictions were made of an instrument, of what, and when?
SELECT prediction_id, trading_day, orb, decided_at, contract, model, version, logged_at
FROM journal.ml_predictions
WHERE instrument = $instrument
ORDER BY decided_at, orb, version, prediction_id
