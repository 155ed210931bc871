-- Which codes of the breaker stood tripped at $known_by, of versions of an instrument that answered then?
SELECT * EXCLUDE (place)
FROM (
    SELECT instrument, model, version, code, kind, subject, value, line, sentence, happened_at, by_whom, why,
        rowid AS place
    FROM journal.ml_breaker
    WHERE instrument = $instrument AND happened_at <= $known_by
    QUALIFY row_number() OVER (PARTITION BY model, version, code ORDER BY rowid DESC) = 1
)
WHERE kind IN ('trip', 'recovering')
ORDER BY place
