-- Which logged rows pass every filter, what came of them and what the trader did, as it stood at $known_by?
--
-- `result` is one of missed, refused, pending, void, right, wrong, settled (numbers are neither right nor wrong).
-- `did` is the newest note that was made before the outcome could be known, `did_late` the newest one made afterwards;
-- a note that was taken back leaves them empty. `notes` are all of them, oldest first.
WITH outcome AS (
    SELECT *, min(known_at) OVER (PARTITION BY prediction_id) AS first_known_at FROM journal.ml_outcomes
    WHERE known_at <= $known_by
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
),
note AS (
    SELECT
        a.prediction_id, coalesce(a.revision, -1) AS revision, a.action, a.why, a.acted_at, a.by_whom,
        NOT coalesce(a.outcome_settled, false) AND a.acted_at >= p.decided_at
            AND (o.first_known_at IS NULL OR a.acted_at < o.first_known_at) AS in_time
    FROM journal.ml_actions AS a
    JOIN journal.ml_predictions AS p USING (prediction_id)
    LEFT JOIN outcome AS o USING (prediction_id)
    WHERE a.acted_at <= $known_by
),
noted AS (
    SELECT
        prediction_id,
        list(note ORDER BY revision) AS notes,
        arg_max(note, revision) FILTER (WHERE in_time) AS in_time,
        arg_max(note, revision) FILTER (WHERE NOT in_time) AS late
    FROM note
    GROUP BY prediction_id
),
logged AS (
    SELECT
        p.* EXCLUDE (features, raw_score, reasons),
        coalesce(o.state, 'pending') AS state, o.revision, o.actual, o.correct, o.r_net, o.r_net_advised, o.known_at,
        o.void_reason, o.settled_at, o.actual_values,
        CASE
            WHEN p.refusal_code = 'missed' THEN 'missed'
            WHEN p.refusal_code IS NOT NULL THEN 'refused'
            WHEN o.state IS NULL THEN 'pending'
            WHEN o.state = 'void' THEN 'void'
            WHEN o.correct THEN 'right'
            WHEN o.correct IS NULL THEN 'settled'
            ELSE 'wrong'
        END AS result,
        nullif(n.in_time.action, 'withdrawn') AS did,
        CASE WHEN n.in_time.action <> 'withdrawn' THEN n.in_time.why END AS did_why,
        nullif(n.late.action, 'withdrawn') AS did_late,
        CASE WHEN n.late.action <> 'withdrawn' THEN n.late.why END AS did_late_why,
        n.notes
    FROM journal.ml_predictions AS p
    LEFT JOIN outcome AS o USING (prediction_id)
    LEFT JOIN noted AS n USING (prediction_id)
    WHERE p.decided_at <= $known_by
)
SELECT * FROM logged
WHERE ($instrument::VARCHAR IS NULL OR instrument = $instrument)
  AND ($prediction_id::VARCHAR IS NULL OR prediction_id = $prediction_id)
  AND ($models::VARCHAR[] IS NULL OR model IN (SELECT unnest($models::VARCHAR[])))
  AND ($versions::VARCHAR[] IS NULL OR version IN (SELECT unnest($versions::VARCHAR[])))
  AND ($roles::VARCHAR[] IS NULL OR role IN (SELECT unnest($roles::VARCHAR[])))
  AND ($stages::VARCHAR[] IS NULL OR stage IN (SELECT unnest($stages::VARCHAR[])))
  AND ($replayed::BOOLEAN IS NULL OR coalesce(replayed, false) = $replayed)
  AND ($orbs::VARCHAR[] IS NULL OR orb IN (SELECT unnest($orbs::VARCHAR[])))
  AND ($weekdays::BIGINT[] IS NULL OR isodow(trading_day) IN (SELECT unnest($weekdays::BIGINT[])))
  AND ($first::DATE IS NULL OR trading_day >= $first)
  AND ($last::DATE IS NULL OR trading_day <= $last)
  AND ($advices::VARCHAR[] IS NULL OR advice IN (SELECT unnest($advices::VARCHAR[])))
  AND ($results::VARCHAR[] IS NULL OR result IN (SELECT unnest($results::VARCHAR[])))
  AND ($actions::VARCHAR[] IS NULL
       OR coalesce(did, 'nothing') IN (SELECT unnest($actions::VARCHAR[]))
       OR (did_late IS NOT NULL AND 'late' IN (SELECT unnest($actions::VARCHAR[]))))
  AND ($text::VARCHAR IS NULL OR contains(
       lower(concat_ws(' ', prediction_id, model, version, refusal_code, refusal_reason, void_reason, did_why, did_late_why)),
       lower($text)))
ORDER BY
    CASE $sort
        WHEN 'oldest' THEN epoch_us(decided_at)::DOUBLE
        WHEN 'best' THEN -r_net
        WHEN 'worst' THEN r_net
        WHEN 'surest' THEN -confidence
    END NULLS LAST,
    decided_at DESC, orb, model, version, prediction_id
LIMIT $most OFFSET $skip
