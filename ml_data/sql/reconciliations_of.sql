-- What did the newest look at each day of a model find, by $known_by?
SELECT *
FROM journal.ml_reconciliations
WHERE instrument = $instrument AND model = $model AND replayed = $replayed AND looked_at <= $known_by
QUALIFY row_number() OVER (PARTITION BY trading_day ORDER BY looked_at DESC) = 1
ORDER BY trading_day
