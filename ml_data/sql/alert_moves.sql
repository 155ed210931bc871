-- Which versions of the models of an instrument moved to another stage, in the order in which it was written?
SELECT model, version, stage, since, by_whom, why
FROM journal.ml_stage_history
WHERE split_part(model, '-', 2) = $instrument
ORDER BY rowid
