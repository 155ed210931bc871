-- What was said to have come of one prediction, and each time it was corrected, as known at $known_by?
SELECT * FROM journal.ml_outcomes
WHERE prediction_id = $prediction_id AND known_at <= $known_by
ORDER BY revision
