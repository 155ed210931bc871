-- Which settled predictions does the built history contradict, or may bars that came in since complete?
SELECT p.prediction_id
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
  AND CASE
      WHEN p.kind = 'break_closed' AND r.broke_at + INTERVAL 1 MINUTE IS DISTINCT FROM p.decided_at
      THEN o.void_reason IS DISTINCT FROM 'break_moved'
      WHEN o.state = 'matured' AND coalesce(p.label, '') <> 'range_ahead' -- no built table holds its outcome
      THEN (o.actual, o.r_net) IS DISTINCT FROM (
               CASE coalesce(p.label, 'break_direction')
                   WHEN 'break_direction' THEN r.break_direction
                   WHEN 'target_first' THEN CASE t.result WHEN 'win' THEN 'WIN' ELSE 'MISS' END
                   ELSE o.actual -- a label of numbers has no class
               END,
               CASE WHEN isnan(t.r_net) THEN NULL ELSE t.r_net END
           )
      ELSE EXISTS (
          SELECT 1 FROM market.bar_imports AS i
          WHERE i.instrument = p.instrument AND i.imported_at > o.settled_at AND i.rows_stored + i.rows_revised > 0
            AND i.first_ts <= r.starts_at + INTERVAL 1 DAY AND i.last_ts >= r.starts_at
      )
      END
