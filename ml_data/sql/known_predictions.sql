-- Which events has a model version already answered or refused?
SELECT trading_day, orb FROM journal.ml_predictions
WHERE instrument = $instrument AND version_hash = $version_hash AND trading_day BETWEEN $first AND $last
