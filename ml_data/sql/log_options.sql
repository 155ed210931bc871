-- By what can the log of an instrument be narrowed, as it stood at $known_by?
SELECT
    list(DISTINCT model ORDER BY model) AS models,
    list(DISTINCT version ORDER BY version DESC) AS versions,
    list(DISTINCT role ORDER BY role) FILTER (WHERE role IS NOT NULL) AS roles,
    list(DISTINCT stage ORDER BY stage) FILTER (WHERE stage IS NOT NULL) AS stages,
    list(DISTINCT orb ORDER BY orb) FILTER (WHERE orb IS NOT NULL) AS orbs,
    list(DISTINCT advice ORDER BY advice) FILTER (WHERE advice IS NOT NULL) AS advices,
    list(DISTINCT isodow(trading_day) ORDER BY isodow(trading_day)) AS weekdays,
    min(trading_day) AS first_day, max(trading_day) AS last_day, count(*) AS logged
FROM journal.ml_predictions
WHERE instrument = $instrument AND decided_at <= $known_by
