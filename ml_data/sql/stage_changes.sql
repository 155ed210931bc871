-- How did the versions of a model move between stages, in the order in which it was written?
SELECT model, version, stage, role, since, by_whom, why, evidence_hash
FROM journal.ml_stage_history
WHERE model = $model
ORDER BY rowid
