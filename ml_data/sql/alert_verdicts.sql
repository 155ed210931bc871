-- Which gates were open whenever versions of an instrument were judged since $since, oldest first?
SELECT
    model, version, stage, judged_at, list(gate ORDER BY gate) FILTER (WHERE state = 'good') AS passed, count(*) AS gates
FROM journal.ml_gates
WHERE instrument = $instrument AND judged_at >= $since
GROUP BY model, version, stage, judged_at
ORDER BY judged_at, model, version, stage
