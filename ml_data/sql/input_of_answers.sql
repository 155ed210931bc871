-- Which value had one input in each answer? `$place` is its place (from 1) among the inputs of one schema.
SELECT prediction_id, features[$place::INTEGER] AS value
FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model AND refusal_code IS NULL AND schema_hash = $schema_hash
