-- Add the verdicts in `fresh`, unless the last ones of that version and stage say the same of the same evidence.
-- registered: fresh(SELECT * FROM journal.ml_gates)
INSERT INTO journal.ml_gates BY NAME
SELECT * FROM fresh
WHERE EXISTS (
    SELECT 1 FROM fresh AS new ANTI JOIN (
        SELECT * FROM journal.ml_gates
        QUALIFY judged_at = max(judged_at) OVER (PARTITION BY instrument, model, version, stage)
    ) AS known USING (instrument, model, version, stage, gate, state, evidence_hash)
)
