-- With which definitions of its inputs was a model asked, and how many inputs has each?
SELECT schema_hash, max(len(features)) AS inputs
FROM journal.ml_predictions
WHERE instrument = $instrument AND model = $model AND refusal_code IS NULL AND schema_hash IS NOT NULL
GROUP BY schema_hash
ORDER BY schema_hash
