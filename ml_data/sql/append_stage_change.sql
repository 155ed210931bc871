-- Add one move of a version between stages.
INSERT INTO journal.ml_stage_history (model, version, stage, role, since, by_whom, why, evidence_hash)
VALUES ($model, $version, $stage, $role, $since, $by_whom, $why, $evidence_hash)
