-- Which settled predictions does the built history contradict, or may bars that came in since change?
--
-- No bar from `known_at` on has a say in an outcome, and when it was settled a bar up to the minute before was stored. So
-- only an import with a bar no newer than one that came before it, a `late` one, may change any. Of a feed nearly none is.
-- `imports` are how many of those there are; NULL of what the built history contradicts.
WITH late AS (
    SELECT first_ts, last_ts, imported_at
    FROM (
        SELECT
            first_ts, last_ts, imported_at,
            max(last_ts) OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest_before
        FROM market.bar_imports
        WHERE instrument = $instrument AND rows_stored + rows_revised > 0
    )
    WHERE first_ts <= newest_before
),
settled AS (
    SELECT
        p.prediction_id, o.revision, o.known_at, o.settled_at, r.starts_at,
        CASE
            WHEN p.kind = 'break_closed' AND r.broke_at + INTERVAL 1 MINUTE IS DISTINCT FROM p.decided_at
            THEN o.void_reason IS DISTINCT FROM 'break_moved'
            WHEN o.state = 'matured' AND coalesce(p.label, '') <> 'range_ahead'
            THEN (o.actual, o.r_net) IS DISTINCT FROM (
                     CASE coalesce(p.label, 'break_direction')
                         WHEN 'break_direction' THEN r.break_direction
                         WHEN 'target_first' THEN CASE t.result WHEN 'win' THEN 'WIN' ELSE 'MISS' END
                         ELSE o.actual -- a label of numbers has no class
                     END,
                     CASE WHEN isnan(t.r_net) THEN NULL ELSE t.r_net END
                 )
        END AS contradicted -- NULL: no built table holds its outcome
    FROM journal.ml_predictions AS p
    JOIN (
        SELECT * FROM journal.ml_outcomes
        QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
    ) AS o USING (prediction_id)
    JOIN market.opening_ranges AS r USING (instrument, trading_day, orb, contract)
    LEFT JOIN market.orb_trades AS t
        ON t.instrument = p.instrument AND t.trading_day = p.trading_day AND t.orb = p.orb
        AND t.rule = coalesce(p.rule, $rule)
    WHERE p.instrument = $instrument
)
SELECT prediction_id, revision, NULL AS imports FROM settled WHERE contradicted
UNION ALL
SELECT s.prediction_id, s.revision, count(*) AS imports
FROM settled AS s
JOIN late AS i ON i.imported_at > s.settled_at AND i.first_ts < s.known_at AND i.last_ts >= s.starts_at
WHERE s.contradicted IS NULL
GROUP BY s.prediction_id, s.revision
