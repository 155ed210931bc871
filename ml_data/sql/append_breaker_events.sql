-- Add what the breaker did in `fresh`, unless that code stands so already: two processes may have seen the same.
-- registered: fresh(SELECT * FROM journal.ml_breaker)
INSERT INTO journal.ml_breaker BY NAME
SELECT fresh.*
FROM fresh
LEFT JOIN (
    SELECT model, version, code, kind AS stands
    FROM journal.ml_breaker
    QUALIFY row_number() OVER (PARTITION BY model, version, code ORDER BY rowid DESC) = 1
) AS known USING (model, version, code)
WHERE fresh.kind IS DISTINCT FROM known.stands
